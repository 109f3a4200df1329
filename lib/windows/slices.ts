/**
 * Windows that are made of slices: short tumbling windows that no window's edge divides. An element is added to its slice alone, however many windows
 * hold it.
 */

import type { CumulativeSpec, SlidingSpec } from "../stream/window-spec.ts";
import { windowStart } from "./tumbling.ts";

/** How the windows of an assigner lie over its slices. Slices are named by their starts, windows by their ends. */
export type Slicing = {
  readonly sliceMs: number;
  readonly offsetMs: number;
  /** From one window's end to the next. */
  readonly everyMs: number;
  /** The end of the first window that holds a slice. */
  firstEnd(sliceMs: number): number;
  /** The end of the last one; before `firstEnd` where none holds it. */
  lastEnd(sliceMs: number): number;
  /** The start of the window that ends at `endMs`. */
  startOf(endMs: number): number;
  /** A time inside of the window, start and end included, of which all windows that have it share a fold of what is on either side of it. */
  middleOf(endMs: number): number;
};

/** How windows lie over slices. */
export function slicingOf(spec: SlidingSpec | CumulativeSpec): Slicing {
  return spec.kind === "sliding" ? slidingOver(spec) : cumulativeOver(spec);
}

function slidingOver({ size, slide, offset }: SlidingSpec): Slicing {
  return {
    sliceMs: greatestCommonDivisor(size, slide),
    offsetMs: offset,
    everyMs: slide,
    firstEnd(sliceMs) {
      const lastStart = windowStart(sliceMs, offset, slide);
      // Back as far as the window still reaches over the slice's start.
      return lastStart - Math.floor((lastStart + size - sliceMs - 1) / slide) * slide + size;
    },
    lastEnd: (sliceMs) => windowStart(sliceMs, offset, slide) + size,
    startOf: (endMs) => endMs - size,
    middleOf: (endMs) => windowStart(endMs, offset, size),
  };
}

function cumulativeOver({ step, size, offset }: CumulativeSpec): Slicing {
  return {
    sliceMs: step,
    offsetMs: offset,
    everyMs: step,
    firstEnd: (sliceMs) => sliceMs + step,
    lastEnd: (sliceMs) => windowStart(sliceMs, offset, size) + size,
    startOf: (endMs) => windowStart(endMs - 1, offset, size),
    middleOf: (endMs) => windowStart(endMs - 1, offset, size),
  };
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
