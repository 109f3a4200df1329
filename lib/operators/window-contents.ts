/**
 * What is in the windows of a step: an accumulator per window and key, or all elements with their timestamps.
 *
 * Elements lie in blocks, a cell each, so that a commit holds the blocks that were touched and not all that a window ever got. A window's own cell says which block is
 * its last.
 */

import type { KeyedTable } from "../state/keyed-state.ts";
import { requireStorable } from "../state/value-encoding.ts";
import type { AggregatorSpec } from "../stream/aggregate.ts";
import type { TimedElement } from "../stream/evictor.ts";
import { accumulatorCheck, checkedMerge } from "./accumulator.ts";

/** Windows are called by their names (windows/assign.ts), keys are encoded. Contents are undefined where there is nothing. */
export interface WindowContents {
  add(window: string, key: string, value: unknown, timestampMs: number): void;
  get(window: string, key: string): unknown;
  clear(window: string, key: string): void;
  /** Moves what is in `from` to what is in `to`, in this order. */
  merge(to: string, from: string, key: string): void;
}

/** One accumulator for each window and key. */
export function accumulatedContents(table: KeyedTable, aggregator: AggregatorSpec): WindowContents {
  const { create, add } = aggregator;
  const checked = accumulatorCheck(aggregator);
  const merge = checkedMerge(aggregator);
  return {
    add(window, key, value) {
      const there = table.get(window, key);
      // null is an accumulator like any other.
      table.set(window, key, checked(add(there === undefined ? create() : there, value)));
    },
    get: (window, key) => table.get(window, key),
    clear: (window, key) => table.remove(window, key),
    merge(to, from, key) {
      const moved = table.get(from, key);
      if (moved === undefined) return;
      const there = table.get(to, key);
      table.remove(from, key);
      table.set(to, key, there === undefined ? moved : (merge as NonNullable<typeof merge>)(there, moved));
    },
  };
}

/** Elements of a block: more make a commit larger that touches one, fewer make more cells. */
const BLOCK_ELEMENTS = 32;

type Block = [value: unknown, timestampMs: number][];

/** The elements of a window, as they are handed on. */
export type KeptElements = readonly TimedElement<unknown>[];

export type ElementContents = WindowContents & {
  get(window: string, key: string): KeptElements | undefined;
  /** Keeps these of the elements. */
  replace(window: string, key: string, elements: KeptElements): void;
};

/** All elements of each window and key, in the order of their arrival. */
export function elementContents(table: KeyedTable, blocks: KeyedTable): ElementContents {
  const blockName = (window: string, i: number) => `${window}#${i}`;
  const append = (window: string, key: string, element: Block[number]) => {
    let last = table.get(window, key) as number | undefined;
    let block = last === undefined ? undefined : (blocks.get(blockName(window, last), key) as Block);
    if (block === undefined || block.length >= BLOCK_ELEMENTS) {
      last = last === undefined ? 0 : last + 1;
      table.set(window, key, last);
      block = [];
    }
    block.push(element);
    blocks.set(blockName(window, last as number), key, block);
  };
  const forEach = (window: string, key: string, visit: (element: Block[number]) => void) => {
    const last = (table.get(window, key) as number | undefined) ?? -1;
    for (let i = 0; i <= last; i++)
      for (const element of blocks.get(blockName(window, i), key) as Block) visit(element);
  };
  const contents: ElementContents = {
    add(window, key, value, timestampMs) {
      requireStorable(value, "the element");
      append(window, key, [value, timestampMs]);
    },
    get(window, key) {
      const elements: TimedElement<unknown>[] = [];
      forEach(window, key, ([value, timestampMs]) => elements.push({ value, timestampMs }));
      return elements.length === 0 ? undefined : elements;
    },
    clear(window, key) {
      const last = (table.get(window, key) as number | undefined) ?? -1;
      for (let i = 0; i <= last; i++) blocks.remove(blockName(window, i), key);
      table.remove(window, key);
    },
    merge(to, from, key) {
      forEach(from, key, (element) => append(to, key, element));
      contents.clear(from, key);
    },
    replace(window, key, elements) {
      contents.clear(window, key);
      for (const { value, timestampMs } of elements) append(window, key, [value, timestampMs]);
    },
  };
  return contents;
}
