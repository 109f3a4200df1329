/** The plan of blows: the same for the same seed, and with everything in it. */

import { expect, test } from "vitest";
import { BLOW_KINDS, planBlows } from "../../torture/plan.ts";

test("a seed always gives the same plan, and another seed another one", () => {
  expect(planBlows(7, 1_000, 20)).toEqual(planBlows(7, 1_000, 20));
  expect(planBlows(7, 1_000, 20)).not.toEqual(planBlows(8, 1_000, 20));
});

test.each([1, 2, 3, 4, 5])("eight kills are of every kind, and there is a zombie (seed %d)", (seed) => {
  const plan = planBlows(seed, 20_000, 8);
  expect(plan.filter(({ kind }) => kind !== "zombie")).toHaveLength(8);
  expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(BLOW_KINDS));
});

test("fifty kills fall all along the run, in order", () => {
  const plan = planBlows(1, 1_000_000, 50);
  const at = plan.map(({ atRecord }) => atRecord);
  expect(plan).toHaveLength(56);
  expect(at).toEqual(at.toSorted((a, b) => a - b));
  expect(Math.min(...at)).toBeLessThan(150_000);
  expect(Math.max(...at)).toBeGreaterThan(850_000);
});

test("of fifty kills some are of processes while Kafka is dead", () => {
  const joined = [1, 2, 3, 4, 5].flatMap((seed) => {
    const plan = planBlows(seed, 1_000_000, 50);
    return plan.filter(({ atRecord, isRushed }, i) => {
      const before = plan[i - 1];
      return before?.kind === "kafka" && before.atRecord === atRecord && isRushed;
    });
  });
  expect(joined.length).toBeGreaterThanOrEqual(5);
  expect(new Set(joined.map(({ kind }) => kind))).toEqual(new Set(["function", "supervisor"]));
});

test("no kills are no plan", () => {
  expect(planBlows(1, 1_000, 0)).toEqual([]);
});
