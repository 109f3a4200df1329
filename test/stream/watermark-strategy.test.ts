/** Watermark strategies that mean nothing are refused where they are made. */

import { boundedOutOfOrderness, customWatermark, milliseconds, monotonic, punctuated, seconds } from "millrace";
import { expect, test } from "vitest";

test.each([
  ["a negative bound", () => boundedOutOfOrderness(seconds(-1)), /must not be negative \(-1000 ms\)/],
  ["idle at once", () => monotonic({ idleAfter: milliseconds(0) }), /idleAfter must be above zero \(0 ms\)/],
  [
    "a negative futureBound",
    () => monotonic({ futureBound: seconds(-2) }),
    /futureBound must not be negative \(-2000 ms\)/,
  ],
  [
    "following the clock without ever being idle",
    () => monotonic({ whenIdle: "follow-clock" }),
    /"follow-clock" needs idleAfter/,
  ],
  [
    "a generator's negative bound",
    () => punctuated(() => 1, { bound: seconds(-1) }),
    /must not be negative \(-1000 ms\)/,
  ],
  ["a generator idle at once", () => punctuated(() => 1, { idleAfter: seconds(0) }), /idleAfter must be above zero/],
  ["no function", () => punctuated(undefined as never), /punctuated\(\) takes a function, not undefined/],
  ["an async function", () => punctuated((async () => 1) as never), /punctuated\(\) must not be async/],
  ["a generator of nothing", () => customWatermark({}), /customWatermark\(\) takes a function, not undefined/],
  ["no generator", () => customWatermark(undefined as never), /customWatermark\(\) takes a function, not undefined/],
  [
    "an async generator",
    () => customWatermark({ onPeriodic: (async () => 1) as never }),
    /customWatermark\(\) must not be async/,
  ],
  [
    "no time between looks",
    () => customWatermark({ onPeriodic: () => 1, every: seconds(0) }),
    /every must be above zero \(0 ms\)/,
  ],
])("%s is refused", (_, make, sentence) => {
  expect(make).toThrow(sentence);
});

test("what is idle follows the clock unless it is told to wait", () => {
  expect(monotonic({ idleAfter: seconds(1) }).whenIdle).toBe("follow-clock");
  expect(monotonic({ idleAfter: seconds(1), whenIdle: "wait" }).whenIdle).toBe("wait");
  expect(monotonic().whenIdle).toBe("wait");
});
