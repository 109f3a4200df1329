/** Watermark strategies that mean nothing are refused where they are made. */

import { boundedOutOfOrderness, milliseconds, monotonic, seconds } from "millrace";
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
])("%s is refused", (_, make, sentence) => {
  expect(make).toThrow(sentence);
});

test("what is idle follows the clock unless it is told to wait", () => {
  expect(monotonic({ idleAfter: seconds(1) }).whenIdle).toBe("follow-clock");
  expect(monotonic({ idleAfter: seconds(1), whenIdle: "wait" }).whenIdle).toBe("wait");
  expect(monotonic().whenIdle).toBe("wait");
});
