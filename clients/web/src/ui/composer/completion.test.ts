import { describe, expect, it } from "vitest";
import { byteLength, complete, MAX_BYTES, readCommand, tokenAt } from "./completion";

describe("tokenAt", () => {
  it("finds the mention or emoji at the caret", () => {
    expect(tokenAt("hi @al", 6)).toEqual({ kind: "mention", query: "al", from: 3, to: 6 });
    expect(tokenAt("@", 1)).toEqual({ kind: "mention", query: "", from: 0, to: 1 });
    expect(tokenAt("你好，@陈", 5)).toMatchObject({ kind: "mention", query: "陈" });
    expect(tokenAt("so :smi", 7)).toEqual({ kind: "emoji", query: "smi", from: 3, to: 7 });
  });
  it("leaves mail, times and addresses alone", () => {
    for (const text of ["mail a@b", "at 10:30", "http://x", "a :s", ":", "::", "x@"]) expect(tokenAt(text, text.length), text).toBeNull();
    expect(tokenAt("@alice and", 10)).toBeNull();
  });
});

describe("complete", () => {
  it("replaces the token and leaves one space", () => {
    expect(complete("hi @al", tokenAt("hi @al", 6)!, "@alice")).toEqual({ text: "hi @alice ", caret: 10 });
    expect(complete("hi @al there", tokenAt("hi @al there", 6)!, "@alice")).toEqual({ text: "hi @alice there", caret: 10 });
  });
});

describe("readCommand", () => {
  it("knows /me and the way around it", () => {
    expect(readCommand("/me waves")).toEqual({ text: "waves", emote: true });
    expect(readCommand("/me")).toEqual({ text: "/me", emote: false });
    expect(readCommand("//etc")).toEqual({ text: "/etc", emote: false });
    expect(readCommand("/etc")).toEqual({ text: "/etc", emote: false });
  });
});

it("counts bytes as the node does", () => {
  expect(byteLength("a".repeat(MAX_BYTES))).toBe(MAX_BYTES);
  expect(byteLength("茶".repeat(30_000))).toBe(90_000);
});
