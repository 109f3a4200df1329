/** The watermark of several inputs: the minimum of those that are active and aligned, as Flink's StatusWatermarkValve. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { combine, hear, type InputWatermark, slowestOf, unheardInput } from "../../lib/watermarks/combined.ts";

const NONE = Number.NEGATIVE_INFINITY;

/** A task with `n` inputs. Tells it what they say, one after the other, and returns its watermark after each. */
function taskOf(n: number) {
  const inputs: InputWatermark[] = Array.from({ length: n }, unheardInput);
  let watermarkMs = NONE;
  let isIdle = false;
  return {
    say(input: number, saidMs: number | "idle"): number {
      const heard = inputs[input] as InputWatermark;
      if (saidMs === "idle") hear(heard, heard.watermarkMs, true, watermarkMs);
      else hear(heard, saidMs, false, watermarkMs);
      ({ watermarkMs, idle: isIdle } = combine(inputs, watermarkMs));
      return watermarkMs;
    },
    isIdle: () => isIdle,
  };
}

describe("the combined watermark", () => {
  test("waits for inputs that were never heard of", () => {
    const task = taskOf(2);
    expect(task.say(0, 5_000)).toBe(NONE);
    expect(task.say(1, 3_000)).toBe(3_000);
  });

  test("is the minimum of the active inputs", () => {
    const task = taskOf(3);
    task.say(0, 5_000);
    task.say(1, 3_000);
    expect(task.say(2, 4_000)).toBe(3_000);
    expect(task.say(1, 9_000)).toBe(4_000);
  });

  test("never goes back, whatever an input says", () => {
    const task = taskOf(1);
    expect(task.say(0, 5_000)).toBe(5_000);
    expect(task.say(0, 1_000)).toBe(5_000);
  });

  test("leaves idle inputs out", () => {
    const task = taskOf(2);
    task.say(0, 1_000);
    task.say(1, 5_000);
    expect(task.say(0, "idle")).toBe(5_000);
  });

  test("leaves out an input that went idle before it ever had a watermark", () => {
    const task = taskOf(2);
    task.say(0, "idle");
    expect(task.say(1, 5_000)).toBe(5_000);
  });

  test("counts an input that comes back only once it has reached the last emitted watermark", () => {
    const task = taskOf(2);
    task.say(0, 1_000);
    task.say(1, 5_000);
    task.say(0, "idle");
    // Back, but behind: it holds nothing up.
    expect(task.say(0, 2_000)).toBe(5_000);
    expect(task.say(1, 6_000)).toBe(6_000);
    // Reached: from now on it counts.
    expect(task.say(0, 6_000)).toBe(6_000);
    expect(task.say(1, 9_000)).toBe(6_000);
    expect(task.say(0, 7_000)).toBe(7_000);
  });

  test("stands still while the only active input is behind it", () => {
    const task = taskOf(2);
    task.say(0, 1_000);
    task.say(1, 5_000);
    task.say(0, "idle");
    task.say(0, 2_000);
    expect(task.say(1, "idle")).toBe(5_000);
    expect(task.isIdle()).toBe(false);
    expect(task.say(0, 5_500)).toBe(5_500);
  });

  test("goes to the maximum when all inputs are idle, and then is idle itself", () => {
    const task = taskOf(2);
    task.say(0, 1_000);
    task.say(1, 5_000);
    // The slow one goes last: nothing is left to wait for.
    task.say(1, "idle");
    expect(task.isIdle()).toBe(false);
    expect(task.say(0, "idle")).toBe(5_000);
    expect(task.isIdle()).toBe(true);
    task.say(0, 1_500);
    expect(task.isIdle()).toBe(false);
  });

  test("never goes back in any history, and is never above an input that is active and aligned", () => {
    const saying = fc.record({
      input: fc.integer({ min: 0, max: 3 }),
      said: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: -10, max: 60 }) }, fc.constant("idle" as const)),
    });
    fc.assert(
      fc.property(fc.array(saying, { maxLength: 40 }), (sayings) => {
        const inputs: InputWatermark[] = Array.from({ length: 4 }, unheardInput);
        let watermarkMs = NONE;
        for (const { input, said } of sayings) {
          const heard = inputs[input] as InputWatermark;
          hear(heard, said === "idle" ? heard.watermarkMs : said, said === "idle", watermarkMs);
          const next = combine(inputs, watermarkMs);
          expect(next.watermarkMs).toBeGreaterThanOrEqual(watermarkMs);
          expect(next.idle).toBe(inputs.every(({ idle }) => idle));
          for (const { idle, aligned, watermarkMs: ofInput } of inputs)
            if (!idle && aligned) expect(next.watermarkMs).toBeLessThanOrEqual(Math.max(ofInput, watermarkMs));
          watermarkMs = next.watermarkMs;
        }
      }),
    );
  });
});

describe("what holds the combined watermark back", () => {
  const input = (watermarkMs: number, idle = false, aligned = true): InputWatermark => ({ watermarkMs, idle, aligned });

  test.each<[string, Record<string, InputWatermark>, string[]]>([
    ["the slowest", { a: input(5), b: input(3), c: input(4) }, ["b"]],
    ["all that are equally slow", { a: input(3), b: input(3), c: input(4) }, ["a", "b"]],
    ["those that were never heard of", { a: input(NONE), b: input(3), c: unheardInput() }, ["a", "c"]],
    ["none that is idle, or not aligned", { a: input(1, true, false), b: input(2, false, false), c: input(4) }, ["c"]],
    ["nothing where all are idle", { a: input(1, true), b: input(2, true) }, []],
  ])("is %s", (_, inputs, expected) => {
    expect(slowestOf(Object.entries(inputs))).toEqual(expected);
  });
});
