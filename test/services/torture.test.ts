/** A small `npm run torture`: every kind of kill on a real Kafka and a real DynamoDB, and every result is there exactly once. */

import { expect, test } from "vitest";
import { BLOW_KINDS } from "../../torture/plan.ts";
import { newProgressLine } from "../../torture/progress.ts";
import { torture } from "../../torture/torture.ts";

const KILLS = 8;

test("processes and servers are killed, stopped and go on, and nothing is lost, repeated or wrong", async () => {
  const said: string[] = [];
  const line = { ...newProgressLine(undefined), say: (text: string) => void said.push(text) };
  const summary = await torture({
    records: 20_000,
    kills: KILLS,
    seed: 7,
    line,
    signal: new AbortController().signal,
  });
  expect(summary.differences, said.join("\n")).toEqual([]);
  expect(summary).toMatchObject({ verified: true, records: 20_000, kills: KILLS });
  expect(new Set(Object.keys(summary.dealt))).toEqual(new Set(BLOW_KINDS));
  expect(summary.checked.map(({ topic, expected }) => [topic, expected > 1_000])).toEqual([
    ["totals", true],
    ["counts", true],
    ["sums", true],
  ]);
}, 240_000);
