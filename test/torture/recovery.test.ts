/** From a blow to the next new result. */

import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import type { ResultRecord } from "../../torture/read-results.ts";
import { type Dealt, findRecoveries, quantile } from "../../torture/recovery.ts";

const blow = (atMs: number, backAtMs: number | undefined, topics = ["t"]): Dealt => ({
  kind: "function",
  what: "f",
  topics,
  atMs,
  backAtMs,
});
const appended = (appendedAtMs: number, id: string | undefined, topic = "t"): ResultRecord => ({
  topic,
  partition: 0,
  offset: 0,
  key: "",
  value: Buffer.from(id === undefined ? "same" : ""),
  id,
  appendedAtMs,
});

test("counts from the blow, and from when somebody was back, to the first new result", () => {
  const records = [appended(90, "1"), appended(105, "2"), appended(400, "1"), appended(500, "3"), appended(600, "4")];
  // 2 was on its way when the blow fell; 1 at 400 is a repeat.
  expect(findRecoveries([blow(100, 300)], records)).toMatchObject([{ fromBlowMs: 400, fromBackMs: 200 }]);
});

test("what a shuffle carries is a repeat where its bytes are the same", () => {
  expect(findRecoveries([blow(100, 300)], [appended(90, undefined), appended(400, undefined)])).toEqual([]);
});

test("only topics that were hit count, and blows with nothing after them do not", () => {
  const records = [appended(400, "1", "other"), appended(500, "2")];
  expect(findRecoveries([blow(100, 300), blow(550, 560), blow(1, undefined)], records)).toMatchObject([
    { atMs: 100, fromBlowMs: 400 },
  ]);
});

test("blows that fell while another had not recovered are not alone", () => {
  const records = [appended(500, "1"), appended(2_000, "2")];
  const found = findRecoveries([blow(100, 300), blow(400, 450), blow(1_000, 1_100)], records);
  expect(found.map(({ isAlone }) => isAlone)).toEqual([false, false, true]);
});

test("quantiles are of what there is", () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect([quantile(values, 0.5), quantile(values, 0.99), quantile([], 0.5)]).toEqual([51, 100, undefined]);
});
