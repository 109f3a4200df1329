/** The checker finds whatever can be wrong with a topic. */

import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { checkTopic } from "../../torture/check.ts";
import type { ResultRecord } from "../../torture/read-results.ts";
import { totalOf } from "../../torture/reference.ts";

const EXPECTED = new Map(
  [totalOf("a", 0, 1, 10), totalOf("a", 2_000, 2, 20), totalOf("b", 0, 3, 30)].map(({ name, text }) => [name, text]),
);

function record(
  offset: number,
  page: string,
  windowStartMs: number,
  views: number,
  changed: Partial<ResultRecord> = {},
) {
  const value = Buffer.from(JSON.stringify({ page, windowStartMs, views, worth: views * 10 }));
  return { topic: "t", partition: 0, offset, key: page, value, id: `task/0:1:${offset}`, appendedAtMs: 0, ...changed };
}

const RIGHT = [record(0, "a", 0, 1), record(1, "b", 0, 3), record(2, "a", 2_000, 2)];
const REPEATED = [...RIGHT, { ...(RIGHT[0] as ResultRecord), offset: 3 }];

const check = (records: readonly ResultRecord[], promised: Parameters<typeof checkTopic>[1] = "exactly-once") =>
  checkTopic("t", promised, records, EXPECTED);

test("what equals the reference is right", () => {
  expect(check(RIGHT)).toEqual({ topic: "t", expected: 3, read: 3, repeats: 0, differences: [] });
});

test("a repeat is right where repeats can be told, and wrong where there must be none", () => {
  expect(check(REPEATED, "repeats-by-identity")).toMatchObject({ read: 4, repeats: 1, differences: [] });
  expect(check(REPEATED)).toMatchObject({ repeats: 1, differences: [expect.stringContaining("1 repeated")] });
});

describe("is found:", () => {
  test.each<[string, readonly ResultRecord[]]>([
    ["1 missing: b 0", [RIGHT[0], RIGHT[2]] as ResultRecord[]],
    ["1 wrong: b 0 is 4 views worth 40 and should be 3 views worth 30", [...RIGHT.slice(0, 1), record(1, "b", 0, 4)]],
    ["1 that should not be there: c 0", [...RIGHT, record(3, "c", 0, 1)]],
    ["1 results twice, under two identities: b 0", [...RIGHT, record(3, "b", 0, 3)]],
    ["1 without an identity", [...RIGHT, record(3, "b", 0, 3, { id: undefined })]],
    ["1 that cannot be read", [...RIGHT, record(3, "b", 0, 3, { value: Buffer.from("{") })]],
    ["1 that cannot be read", [...RIGHT, record(3, "b", 0, 3, { key: "a" })]],
    ["1 out of order: a 0", [record(0, "a", 2_000, 2), record(1, "a", 0, 1), record(2, "b", 0, 3)]],
    [
      "1 out of order: a 2000",
      [record(0, "a", 0, 1), record(1, "b", 0, 3), record(2, "a", 2_000, 2, { partition: 1 })],
    ],
    [
      "1 repeats that differ from the first",
      [...RIGHT, { ...(RIGHT[0] as ResultRecord), offset: 3, value: Buffer.from("{}") }],
    ],
  ])("%s", (sentence, records) => {
    expect(check(records, "repeats-by-identity").differences).toContainEqual(expect.stringContaining(sentence));
  });
});
