/**
 * Aggregates before the shuffle, for a keyBy whose only reader is a window with a mergeable aggregate: over a fixed grid of slices, into sessions, or, where the clock of who
 * receives them decides, all of a batch together.
 */

import { encodeKey, type Key } from "../stream/key.ts";
import type { WindowAggregateNode, WindowNode } from "../stream/node.ts";
import { partialShapeOf } from "../windows/shape.ts";
import { slicingOf } from "../windows/slices.ts";
import { windowStart } from "../windows/tumbling.ts";
import { accumulatorCheck } from "./accumulator.ts";
import { newPart, type PartialWindow, type PreAggregate } from "./partials.ts";
import { preAggregateSessions } from "./pre-aggregate-sessions.ts";
import type { Caller } from "./step.ts";
import { hasAssigner, isPlain } from "./window.ts";

/** Whether elements for this window may be aggregated before the shuffle: late ones need not be seen one by one. */
export function canPreAggregate(node: WindowNode): node is WindowAggregateNode {
  return (
    isPlain(node) &&
    node.aggregator.merge !== undefined &&
    node.lateTo === undefined &&
    (node.assigner.kind === "session"
      ? node.assigner.time === "event" && node.aggregator.ordered !== true
      : gridOf(node) !== undefined)
  );
}

/** What elements are gathered by: windows that do not overlap, or the slices of those that do. undefined: nothing that every element belongs to. */
function gridOf({ assigner, aggregator }: WindowNode): { readonly size: number; readonly offset: number } | undefined {
  switch (assigner.kind) {
    case "tumbling":
      return assigner;
    case "sliding":
    case "cumulative": {
      if (aggregator?.ordered === true) return undefined;
      if (assigner.kind === "sliding" && assigner.slide > assigner.size) return undefined;
      const { sliceMs, offsetMs } = slicingOf(assigner);
      return { size: sliceMs, offset: offsetMs };
    }
    default:
      return undefined;
  }
}

export function preAggregate(node: WindowAggregateNode, call: Caller): PreAggregate {
  return hasAssigner(node, "session") ? preAggregateSessions(node, call) : preAggregateOnGrid(node, call);
}

function preAggregateOnGrid(node: WindowAggregateNode, call: Caller): PreAggregate {
  const { size, offset } = gridOf(node) as NonNullable<ReturnType<typeof gridOf>>;
  const { create, add, kind, ignoresValue } = node.aggregator;
  const checked = accumulatorCheck(node.aggregator);
  // A count is its own number of elements.
  const counts = kind === "count" && ignoresValue;
  let windows = new Map<number, Window>();
  let all: Window[] = [];
  let newest: Window = newWindow(Number.NaN);
  // By the clock all of a batch is in the window in which it is received. What names it until then is the time of its first element.
  const startOf =
    node.assigner.time === "event"
      ? (timestampMs: number) => windowStart(timestampMs, offset, size)
      : (timestampMs: number) => all[0]?.start ?? timestampMs;

  const preAggregated: PreAggregate = {
    check: undefined,
    shape: partialShapeOf(node),

    push(value, key, timestampMs) {
      const start = startOf(timestampMs);
      const { check } = preAggregated;
      if (start !== newest.start || check !== undefined) {
        let window = check === undefined ? windows.get(start) : undefined;
        if (window === undefined) {
          window = newWindow(start);
          windows.set(start, window);
          all.push(window);
        }
        newest = window;
      }
      const encoded = encodeKey(key as Key);
      call.step = "window";
      call.reachedState = true;
      const cell = newest.cells.get(encoded);
      const accumulator = checked(add(cell === undefined ? create() : cell.accumulator, value));
      check?.(encoded, accumulator);
      if (cell === undefined) newest.cells.set(encoded, { accumulator, elements: 1 });
      else {
        cell.accumulator = accumulator;
        cell.elements++;
      }
    },

    take(partitions, partitionOf) {
      const split: PartialWindow[][] = Array.from({ length: partitions }, () => []);
      for (const window of all) {
        const parts: (PartialWindow | undefined)[] = new Array(partitions).fill(undefined);
        for (const [key, { accumulator, elements }] of window.cells) {
          const partition = partitions === 1 ? 0 : partitionOf(key);
          let part = parts[partition];
          if (part === undefined) {
            part = newPart(window.start, counts);
            parts[partition] = part;
            split[partition]?.push(part);
          }
          part.keys.push(key);
          part.accumulators.push(accumulator);
          if (!counts) part.elements.push(elements);
        }
      }
      windows = new Map();
      all = [];
      newest = newWindow(Number.NaN);
      return split;
    },
  };
  return preAggregated;
}

/** What a batch holds of one window. Cells are objects, so that an element of a known key costs one look-up and no insertion. */
type Window = { readonly start: number; readonly cells: Map<string, { accumulator: unknown; elements: number }> };

function newWindow(start: number): Window {
  return { start, cells: new Map() };
}
