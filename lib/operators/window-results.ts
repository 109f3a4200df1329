/** Results of windows as they are handed on: `{ key, value, window }` of an aggregate, or what a function makes of all elements. */

import type { TimedElement } from "../stream/evictor.ts";
import { decodeKey, type Key } from "../stream/key.ts";
import type { WindowNode } from "../stream/node.ts";
import { type Span, toWindow } from "../windows/assign.ts";
import type { Caller, Push } from "./step.ts";
import type { KeptElements } from "./window-contents.ts";

/** The key as authors see it: windows over all keys have one of their own, which is none. */
export function keyOfWindows({ all }: WindowNode): (encoded: string) => Key | null {
  return all ? () => null : decodeKey;
}

/** Hands on the result of a window of an encoded key, from its accumulator or its elements. */
export function windowResults(
  node: WindowNode,
  call: Caller,
  out: Push,
): (span: Span, key: string, contents: unknown, timestampMs: number) => void {
  const { aggregator, process, evictor } = node;
  const keyOf = keyOfWindows(node);
  if (aggregator !== undefined) {
    const { create, add, result } = aggregator;
    const total = (elements: KeptElements) =>
      elements.reduce<unknown>((accumulator, { value }) => add(accumulator, value), create());
    return (span, encoded, contents, timestampMs) => {
      const key = keyOf(encoded);
      const accumulator = evictor === undefined ? contents : total(contents as KeptElements);
      out({ key, value: result(accumulator), window: toWindow(span) }, key, timestampMs);
    };
  }
  if (process === undefined) throw new Error("A window has neither an aggregate nor a function.");
  const { fn, order } = process;
  return (span, encoded, contents, timestampMs) => {
    const key = keyOf(encoded);
    let elements = contents as KeptElements;
    if (order === "event-time") elements = [...elements].sort(byTimestamp);
    const { log, metrics, processingTimeMs } = call.ctx;
    const context = {
      key,
      window: toWindow(span),
      timestampMs,
      timestampsMs: elements.map((element) => element.timestampMs),
      processingTimeMs,
      log,
      metrics,
    };
    for (const result of fn(
      elements.map(({ value }) => value),
      context,
    ) as Iterable<unknown>)
      out(result, key, timestampMs);
  };
}

function byTimestamp(a: TimedElement<unknown>, b: TimedElement<unknown>): number {
  return a.timestampMs - b.timestampMs;
}
