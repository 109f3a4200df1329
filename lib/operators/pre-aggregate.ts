/** Aggregates before the shuffle, for a keyBy whose only reader is a tumbling window in event time with a mergeable aggregate. */

import { encodeKey, type Key } from "../stream/key.ts";
import type { WindowAggregateNode } from "../stream/node.ts";
import { windowStart } from "../windows/tumbling.ts";
import { accumulatorCheck } from "./accumulator.ts";
import type { PartialWindow } from "./partials.ts";
import type { Caller, Push } from "./step.ts";

/** What a batch gathered: pushed into, then taken. */
export type PreAggregate = {
  readonly push: Push;
  /** Set: every element becomes a partial result of its own, which `check` may refuse. For batches whose partial results are too large to be sent. */
  check: ((key: string, accumulator: unknown) => void) | undefined;
  /** The partial results since the last call, split by what `partitionOf` says of their keys. */
  take(partitions: number, partitionOf: (key: string) => number): readonly PartialWindow[][];
};

/** Whether elements for this window may be aggregated before the shuffle: late ones need not be seen one by one. */
export function canPreAggregate(node: WindowAggregateNode): boolean {
  return node.aggregator.merge !== undefined && node.assigner.time === "event" && node.lateTo === undefined;
}

export function preAggregate(node: WindowAggregateNode, call: Caller): PreAggregate {
  const { size, offset } = node.assigner;
  const { create, add, kind, ignoresValue } = node.aggregator;
  const checked = accumulatorCheck(node.aggregator);
  // A count is its own number of elements.
  const counts = kind === "count" && ignoresValue;
  type Window = { start: number; cells: Map<string, unknown>; elements: Map<string, number> | undefined };
  let windows = new Map<number, Window>();
  let all: Window[] = [];
  let newestStart = Number.NaN;
  let cells = new Map<string, unknown>();
  let elements: Map<string, number> | undefined;

  const preAggregated: PreAggregate = {
    check: undefined,

    push(value, key, timestampMs) {
      const start = windowStart(timestampMs, offset, size);
      const { check } = preAggregated;
      if (start !== newestStart || check !== undefined) {
        let window = check === undefined ? windows.get(start) : undefined;
        if (window === undefined) {
          window = { start, cells: new Map(), elements: counts ? undefined : new Map() };
          windows.set(start, window);
          all.push(window);
        }
        newestStart = start;
        ({ cells, elements } = window);
      }
      const encoded = encodeKey(key as Key);
      call.step = "window";
      call.reachedState = true;
      const accumulator = checked(add(cells.get(encoded) ?? create(), value));
      check?.(encoded, accumulator);
      cells.set(encoded, accumulator);
      elements?.set(encoded, (elements.get(encoded) ?? 0) + 1);
    },

    take(partitions, partitionOf) {
      const split: PartialWindow[][] = Array.from({ length: partitions }, () => []);
      for (const window of all) {
        const parts: (PartialWindow | undefined)[] = new Array(partitions).fill(undefined);
        for (const [key, accumulator] of window.cells) {
          const partition = partitions === 1 ? 0 : partitionOf(key);
          let part = parts[partition];
          if (part === undefined) {
            part = newPart(window.start, window.elements === undefined);
            parts[partition] = part;
            split[partition]?.push(part);
          }
          part.keys.push(key);
          part.accumulators.push(accumulator);
          if (window.elements !== undefined) part.elements.push(window.elements.get(key) as number);
        }
      }
      windows = new Map();
      all = [];
      newestStart = Number.NaN;
      return split;
    },
  };
  return preAggregated;
}

function newPart(namespace: number, isCount: boolean): PartialWindow {
  const accumulators: unknown[] = [];
  return { namespace, keys: [], accumulators, elements: isCount ? (accumulators as number[]) : [] };
}
