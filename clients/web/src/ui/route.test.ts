import { describe, expect, it } from "vitest";
import { neighbour } from "./rooms/order";
import { parseRoute, toRoom } from "./route";

describe("parseRoute", () => {
  it("reads every address of the page", () => {
    expect(parseRoute(toRoom("r-1"))).toEqual({ page: "room", room: "r-1", event: "" });
    expect(parseRoute(toRoom("#a@n", "e/1"))).toEqual({ page: "room", room: "#a@n", event: "e/1" });
    expect(parseRoute("#/invite/SECRET")).toEqual({ page: "invite", secret: "SECRET" });
    expect(parseRoute("#/node/other.example%3A9443/KEY/SECRET")).toEqual({ page: "node", name: "other.example:9443" });
    expect(parseRoute("#/settings")).toEqual({ page: "settings" });
    for (const other of ["", "#/", "#/nowhere", "#/room", "#/room/%zz/x"]) expect(["home", "room"]).toContain(parseRoute(other).page);
  });
});

it("walks the rooms in a circle", () => {
  expect(neighbour(["a", "b"], "b", 1)).toBe("a");
  expect(neighbour(["a", "b"], "", -1)).toBe("b");
  expect(neighbour([], "a", 1)).toBeUndefined();
});
