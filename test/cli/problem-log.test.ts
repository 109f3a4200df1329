/** A problem is said at once, and then only now and then. */

import { expect, test } from "vitest";
import { ProblemLog } from "../../lib/cli/problem-log.ts";

test("the same sentence is said again after some seconds, with how often it came", () => {
  let nowMs = 0;
  const said: string[] = [];
  const log = new ProblemLog(
    (sentence) => said.push(sentence),
    () => nowMs,
  );
  log.add("The disk is full.");
  log.add("The disk is full.");
  log.add("Something else.");
  nowMs = 4_999;
  log.add("The disk is full.");
  nowMs = 5_000;
  log.add("The disk is full.");
  nowMs = 20_000;
  log.add("The disk is full.");
  expect(said).toEqual([
    "The disk is full.",
    "Something else.",
    "The disk is full. (And 2 times before.)",
    "The disk is full.",
  ]);
});

test("sentences without end are not all remembered", () => {
  const said: string[] = [];
  const log = new ProblemLog(
    (sentence) => said.push(sentence),
    () => 0,
  );
  for (let i = 0; i < 1_000; i += 1) log.add(`Offset ${i} is missing.`);
  expect(said).toHaveLength(1_000);
});
