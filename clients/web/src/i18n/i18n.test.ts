import { describe, expect, it } from "vitest";
import { figureText } from "../ui/admin/figures";
import * as adminEn from "./admin/en";
import * as adminZh from "./admin/zh";
import { dayName, dayOf, listTime } from "./dates";
import { byteSize } from "./size";
import { en } from "./en";
import { browserLanguage } from "./index";
import * as nodesEn from "./nodes/en";
import * as nodesZh from "./nodes/zh";
import * as panelsEn from "./panels/en";
import * as panelsZh from "./panels/zh";
import { plural } from "./plural";
import * as registerEn from "./register/en";
import * as registerZh from "./register/zh";
import * as settingsEn from "./settings/en";
import * as settingsZh from "./settings/zh";
import { zh } from "./zh";

describe("plural", () => {
  it("uses the language's own forms and digits", () => {
    expect(plural("en", 1, { one: "# room", other: "# rooms" })).toBe("1 room");
    expect(plural("en", 1200, { one: "# room", other: "# rooms" })).toBe("1,200 rooms");
    expect(plural("zh-CN", 1, { other: "# 个房间" })).toBe("1 个房间");
    expect(en.rooms.unread(1)).toBe("1 unread message");
    expect(zh.rooms.unread(2)).toBe("2 条未读消息");
  });
});

describe("dictionaries", () => {
  const walk = (a: object, b: object, path = ""): void => {
    expect(Object.keys(b).sort(), path).toEqual(Object.keys(a).sort());
    for (const [key, value] of Object.entries(a)) {
      const other = (b as Record<string, unknown>)[key];
      expect(typeof other, `${path}.${key}`).toBe(typeof value);
      if (typeof value === "string") expect(other === "" && value !== "", `${path}.${key} is empty`).toBe(false);
      if (value && typeof value === "object") walk(value as object, other as object, `${path}.${key}`);
    }
  };
  it("have the same keys, open tables included", () => {
    const { errors: e, ...restEn } = en;
    const { errors: z, ...restZh } = zh;
    walk(restEn, restZh);
    for (const [a, b] of [[adminEn, adminZh], [nodesEn, nodesZh], [panelsEn, panelsZh], [registerEn, registerZh], [settingsEn, settingsZh]] as const) walk({ ...a }, { ...b });
    expect(Object.keys(z)).toEqual(Object.keys(e));
    expect(Object.values(z.codes).every((text) => text.length > 0)).toBe(true);
  });
});

describe("dates", () => {
  const now = new Date(2026, 10, 22, 9).getTime();
  it("names days as people do", () => {
    expect(dayName("en-GB", now, now)).toBe("Today");
    expect(dayName("en-GB", now - 86_400_000, now)).toBe("Yesterday");
    expect(dayName("zh-CN", now, now)).toBe("今天");
    expect(dayName("en-GB", new Date(2024, 4, 3).getTime(), now)).toMatch(/^Friday,? 3 May 2024$/);
    expect(listTime("en-GB", now, now)).toBe("09:00");
    expect(listTime("en-GB", 0, now)).toBe("");
    expect(dayOf(now)).toBe(20261122);
  });
});

it("follows the browser's first language that exists here", () => {
  expect(browserLanguage(["de-CH", "zh-TW", "en"])).toBe("zh");
  expect(browserLanguage(["fr"])).toBe("en");
});

it("writes sizes as people read them", () => {
  expect(byteSize("en", 0)).toBe("0 bytes");
  expect(byteSize("en", 1)).toBe("1 byte");
  expect(byteSize("en", 58_400)).toBe("58 kB");
  expect(byteSize("en", 1_340_000)).toBe("1.3 MB");
  expect(byteSize("zh", 2_000_000_000)).toBe("2 GB");
});

it("writes figures in their unit", () => {
  expect(figureText("en", "memory_bytes", 58_200_000)).toBe("58.2 MB");
  expect(figureText("en", "uptime_seconds", 90_000)).toBe("1 day 1 hour");
  expect(figureText("en", "rooms", 1234)).toBe("1,234");
});
