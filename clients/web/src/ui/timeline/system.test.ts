import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { EventSchema } from "../../gen/room_pb";
import { en } from "../../i18n/en";
import { systemText } from "./system";

it("tells of nodes as of people", () => {
  const asked: string[] = [];
  const name = (user: string) => (asked.push(user), user.split("@")[0]!);
  const text = (kind: string, subject: string, reason = "") => systemText(create(EventSchema, { kind, author: "ann@n", subject, reason }), name, en);
  expect(text("nodeban", "spam.example", "adverts")).toBe("ann banned the node spam.example: adverts");
  expect(text("nodeunban", "spam.example")).toBe("ann lifted the ban on the node spam.example");
  expect(text("stewards", "a.example b.example")).toBe("ann set the room’s stewards: a.example, b.example");
  expect(text("kick", "bob@m")).toBe("ann removed bob");
  expect(asked.filter((user) => !user.includes("@"))).toEqual([]); // a node has no profile
});
