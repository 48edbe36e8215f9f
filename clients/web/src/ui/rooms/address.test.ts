import { expect, it } from "vitest";
import { nodeName, roomAddress, userAddress } from "./address";

it("knows rooms of other nodes by their whole address", () => {
  expect(roomAddress(" #Garden@Other.Example ")).toEqual({ full: "#garden@other.example", node: "other.example" });
  expect(roomAddress("#garden@localhost:9443")?.node).toBe("localhost:9443");
  expect(roomAddress("#g@[::1]:9443")?.node).toBe("[::1]:9443");
  for (const none of ["garden", "#garden", "#garden@", "garden@other.example", "#a b@c", "#a@b c", "#a@-"]) expect(roomAddress(none), none).toBeUndefined();
});

it("knows people of other nodes, with or without an @ before", () => {
  expect(userAddress("bob@other.example")).toEqual({ full: "bob@other.example", node: "other.example" });
  expect(userAddress("@Bob@other.example:8443")).toEqual({ full: "bob@other.example:8443", node: "other.example:8443" });
  for (const none of ["bob", "@bob", "bob@", "#bob@other", "bob marley@other"]) expect(userAddress(none), none).toBeUndefined();
});

it("knows names of nodes", () => {
  expect(nodeName(" Other.Example ")).toBe("other.example");
  expect(nodeName("127.0.0.1:8443")).toBe("127.0.0.1:8443");
  for (const none of ["", "a b", "https://other.example", "#a@b"]) expect(nodeName(none), none).toBeUndefined();
});
