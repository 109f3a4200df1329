/** Tumbling windows: the start of the window that holds a timestamp, against the formula that Flink publishes. */

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seconds } from "../../lib/stream/duration.ts";
import type { TumblingSpec } from "../../lib/stream/window-spec.ts";
import { maxTimestamp, tumblingWindow, windowStart } from "../../lib/windows/tumbling.ts";

/** TimeWindow.getWindowStartWithOffset of Flink 1.20, in Java's 64 bit arithmetic. */
function flinkWindowStart(timestamp: bigint, offset: bigint, windowSize: bigint): bigint {
  const remainder = (timestamp - offset) % windowSize;
  return remainder < 0n ? timestamp - (remainder + windowSize) : timestamp - remainder;
}

describe("the start of a window", () => {
  test.each([
    { timestamp: 0, offset: 0, size: 5_000, start: 0, why: "a window begins at its start" },
    { timestamp: 4_999, offset: 0, size: 5_000, start: 0, why: "end − 1 is the last that belongs" },
    { timestamp: 5_000, offset: 0, size: 5_000, start: 5_000, why: "the end belongs to the next" },
    { timestamp: -1, offset: 0, size: 5_000, start: -5_000, why: "before 1970 windows begin below, not above" },
    { timestamp: -5_000, offset: 0, size: 5_000, start: -5_000, why: "a negative start is a start" },
    { timestamp: -5_001, offset: 0, size: 5_000, start: -10_000, why: "and below it the one before" },
    { timestamp: 0, offset: 1_000, size: 5_000, start: -4_000, why: "an offset moves all windows" },
    { timestamp: 1_000, offset: 1_000, size: 5_000, start: 1_000, why: "to begin at it" },
    { timestamp: 0, offset: -1_000, size: 5_000, start: -1_000, why: "a negative offset as well" },
    { timestamp: 3_999, offset: -1_000, size: 5_000, start: -1_000, why: "for all of the size" },
    { timestamp: 8_640_000_000_000_000, offset: 0, size: 7, start: 8_639_999_999_999_998, why: "up to the last date" },
  ])("of $timestamp with offset $offset and size $size is $start: $why", ({ timestamp, offset, size, start }) => {
    expect(windowStart(timestamp, offset, size)).toBe(start);
  });

  const size = fc.integer({ min: 1, max: 10 * 86_400_000 });
  const sized = size.chain((sizeMs) =>
    fc.record({
      sizeMs: fc.constant(sizeMs),
      offsetMs: fc.integer({ min: -sizeMs + 1, max: sizeMs - 1 }),
      timestampMs: fc.integer({ min: -4_000_000_000_000, max: 4_000_000_000_000 }),
    }),
  );

  test("is what Flink's published formula gives", () => {
    fc.assert(
      fc.property(sized, ({ timestampMs, offsetMs, sizeMs }) => {
        const flink = flinkWindowStart(BigInt(timestampMs), BigInt(offsetMs), BigInt(sizeMs));
        expect(BigInt(windowStart(timestampMs, offsetMs, sizeMs))).toBe(flink);
      }),
    );
  });

  test("lies at or below the timestamp, less than a size away, and on the grid of the offset", () => {
    fc.assert(
      fc.property(sized, ({ timestampMs, offsetMs, sizeMs }) => {
        const start = windowStart(timestampMs, offsetMs, sizeMs);
        expect(start).toBeLessThanOrEqual(timestampMs);
        expect(timestampMs - start).toBeLessThan(sizeMs);
        expect(Math.abs((start - offsetMs) % sizeMs)).toBe(0);
        // Every element of a window has the same window.
        expect(windowStart(start, offsetMs, sizeMs)).toBe(start);
        expect(windowStart(start + sizeMs - 1, offsetMs, sizeMs)).toBe(start);
      }),
    );
  });
});

describe("a window", () => {
  const spec: TumblingSpec = { kind: "tumbling", size: seconds(5), offset: seconds(0), time: "event" };

  test("includes its start, excludes its end, and its last timestamp is end − 1", () => {
    const window = tumblingWindow(spec, -5_000);
    expect(window).toEqual({ startMs: -5_000, endMs: 0 });
    expect(maxTimestamp(window)).toBe(-1);
  });
});
