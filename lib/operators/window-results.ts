/** Results of windows as they are handed on: `{ key, value, window }` of an aggregate, or what a function makes of all elements. */

import type { TimedElement } from "../stream/evictor.ts";
import { decodeKey, type Key } from "../stream/key.ts";
import type { WindowNode } from "../stream/node.ts";
import { type Span, toWindow } from "../windows/assign.ts";
import type { Push } from "./step.ts";
import type { KeptElements } from "./window-contents.ts";
import type { WindowFunction } from "./window-function.ts";

/** The key as authors see it: windows over all keys have one of their own, which is none. */
export function keyOfWindows({ all }: WindowNode): (encoded: string) => Key | null {
  return all ? () => null : decodeKey;
}

/** Hands on the result of a window of an encoded key, from its accumulator or its elements: as it is, or what a function makes of it. */
export function windowResults(
  node: WindowNode,
  out: Push,
  author: WindowFunction | undefined,
): (span: Span, key: string, contents: unknown, timestampMs: number) => void {
  const { aggregator, evictor } = node;
  const keyOf = keyOfWindows(node);
  if (aggregator !== undefined) {
    const { create, add, result } = aggregator;
    const total = (elements: KeptElements) =>
      elements.reduce<unknown>((accumulator, { value }) => add(accumulator, value), create());
    return (span, encoded, contents, timestampMs) => {
      const key = keyOf(encoded);
      const value = result(evictor === undefined ? contents : total(contents as KeptElements));
      if (author === undefined) out({ key, value, window: toWindow(span) }, key, timestampMs);
      else author.run({ span, encoded, key }, value, timestampMs, undefined);
    };
  }
  if (author === undefined) throw new Error("A window has neither an aggregate nor a function.");
  return (span, encoded, contents, timestampMs) => {
    let elements = contents as KeptElements;
    if (node.process?.order === "event-time") elements = [...elements].sort(byTimestamp);
    const values = elements.map(({ value }) => value);
    const timestampsMs = elements.map((element) => element.timestampMs);
    author.run({ span, encoded, key: keyOf(encoded) }, values, timestampMs, timestampsMs);
  };
}

function byTimestamp(a: TimedElement<unknown>, b: TimedElement<unknown>): number {
  return a.timestampMs - b.timestampMs;
}
