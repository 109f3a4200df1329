/** How often a silent broker is asked. */

import { expect, test } from "vitest";
import { Polling } from "../../lib/local/polling.ts";

test("often while records come, and each time twice as long after that nothing does", () => {
  const polling = new Polling(50);
  const intervals: number[] = [];
  let nowMs = 0;
  const ask = () => {
    polling.asked(nowMs);
    intervals.push(polling.nextMs - nowMs);
    nowMs = polling.nextMs;
  };
  expect(polling.nextMs).toBe(Number.NEGATIVE_INFINITY);
  ask();
  ask();
  polling.found();
  expect(polling.nextMs).toBe(54);
  for (let i = 0; i < 5; i++) ask();
  expect(intervals).toEqual([50, 50, 8, 16, 32, 50, 50]);
});

test("never less often than it was told", () => {
  const polling = new Polling(2);
  polling.found();
  polling.asked(10);
  expect(polling.nextMs).toBe(12);
});
