/** What is shown can neither move a cursor nor hide anything. */

import { describe, expect, test } from "vitest";
import { parseCount, parseTime } from "../../lib/cli/arguments.ts";
import { showBytesSize, showDuration, showPlural, showTime, showValue, toPrintable } from "../../lib/cli/printable.ts";
import { formatTable } from "../../lib/cli/table.ts";
import { parseTaskName } from "../../lib/runtime/task-name.ts";

test.each([
  ["plain ☃ text", "plain ☃ text"],
  ["a\tb\nc\rd", "a\\tb\\nc\\rd"],
  ["\u001b[31mred", "\\u001b[31mred"],
  ["\u009b2J", "\\u009b2J"],
  ["abc\u202egpj.exe", "abc\\u202egpj.exe"],
])("%j is shown as %j", (text, shown) => {
  expect(toPrintable(text)).toBe(shown);
});

test.each([
  [null, "–"],
  ["a\nb", "a\\nb"],
  [{ a: 1n, b: [true, null] }, '{"a":"1","b":[true,null]}'],
  [Buffer.from("text"), "text"],
  [Uint8Array.of(0xff, 0), "base64:/wA="],
  [[Buffer.from("text"), { bytes: Uint8Array.of(0xff, 0) }], '["text",{"bytes":{"base64":"/wA="}}]'],
])("the value %s is shown as %s", (value, shown) => {
  expect(showValue(value)).toBe(shown);
});

test.each([
  [showTime(null), "–"],
  [showTime(Number.POSITIVE_INFINITY), "–"],
  [showTime(0), "1970-01-01 00:00:00.000"],
  [showTime(1e17), "100000000000000000"],
  [showBytesSize(999), "999 B"],
  [showBytesSize(1_500), "1.5 KB"],
  [showBytesSize(25_000_000), "25 MB"],
  [showPlural(1, "record"), "1 record"],
  [showPlural(1_000, "record"), "1,000 records"],
])("%s", (shown, wanted) => {
  expect(shown).toBe(wanted);
});

test("a table is aligned", () => {
  const rows = [
    ["a", "1"],
    ["long", "200"],
  ];
  expect(formatTable(["name", "n"], rows, [1])).toBe("name    n\na       1\nlong  200\n");
});

describe("arguments", () => {
  test.each([
    ["0", 0],
    ["1795359704999", 1_795_359_704_999],
    ["2026-10-01T12:00:00Z", Date.UTC(2026, 9, 1, 12)],
    ["2026-10-01", Date.UTC(2026, 9, 1)],
  ])("the time %s", (text, epochMs) => {
    expect(parseTime(text)).toBe(epochMs);
  });

  test.each(["", "-1", "1.5", "yesterday", "2026-13-01", "1e30"])("%j is no time", (text) => {
    expect(() => parseTime(text)).toThrow("epoch milliseconds");
  });

  test.each(["0", "", "-1", "2.5", "many"])("%j is no count", (text) => {
    expect(() => parseCount(text)).toThrow("a whole number from 1 on");
  });
});

test.each([
  [
    "shop/count-words/lines-3/0",
    { application: "shop", functionName: "count-words", topic: "lines", partition: 3, generation: 0 },
  ],
  [
    "a/b/f--by-key/f--by-key-12/7",
    { application: "a/b", functionName: "f--by-key", topic: "f--by-key", partition: 12, generation: 7 },
  ],
])("the task %s", (full, parsed) => {
  expect(parseTaskName(full)).toEqual({ full, ...parsed });
});

test.each([
  [0, "0 ms"],
  [999, "999 ms"],
  [4_249, "4.2 s"],
  [60_000, "60 s"],
  [-3_000, "−3.0 s"],
  [180_000, "3 min"],
  [18_000_000, "5 h"],
  [1_100 * 86_400_000, "1,100 d"],
])("%s ms is a duration of %s", (ms, shown) => {
  expect(showDuration(ms)).toBe(shown);
});
