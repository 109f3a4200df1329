/** What operators with a function that throws are made of: streams, the number that fails, and the list's form. */

import {
  boundedOutOfOrderness,
  type CustomTrigger,
  customTrigger,
  json,
  type KeyedStream,
  milliseconds,
  type Sink,
  seconds,
  stream,
  text,
  topic,
  tumbling,
} from "millrace";

export type Item = { readonly key: string; readonly n: number };

export const ms = milliseconds;
/** What fails, and the number of the element of the same key before it. */
export const BAD = 13;
export const FIRST = 11;
export const REASON = "RangeError: thirteen is not allowed";
export function check(n: number): number {
  if (n === BAD) throw new RangeError("thirteen is not allowed");
  return n;
}

/** A value, once a number was looked at. */
export function after<V>(n: number, value: V): V {
  check(n);
  return value;
}

export const most = (numbers: readonly number[]) => Math.max(...numbers);

const watermark = boundedOutOfOrderness(seconds(1_000));
export const items = topic("items", { value: json<Item>(), watermark, partitions: 1 });
export const others = topic("others", { value: json<Item>(), watermark, partitions: 1 });
export const versions = topic("versions", {
  key: text(),
  value: json<Item>(),
  watermark,
  compacted: true,
  partitions: 1,
});
export const out = topic("out", { value: json<unknown>(), partitions: 1 });

export const source = stream(items);
export const keyed = source.keyBy(({ key }) => key);
export const other = stream(others).keyBy(({ key }) => key);
export const window = tumbling(ms(10));
/** Without an aggregate that could be made before the shuffle. */
export const elements = (stream: KeyedStream<Item, string>) => stream.window(window);
export const sums = {
  create: () => 0,
  add: (sum: number, { n }: Item) => sum + n,
  merge: (a: number, b: number) => a + b,
  result: (sum: number) => sum,
};
export const pass = (all: readonly Item[]) => [all.map(({ n }) => n)];

/** Fires at the end, and remembers the last element and has a timer for each. */
export const remembering = (more: Partial<CustomTrigger<Item, number, unknown>>) =>
  customTrigger<Item, number, unknown>({
    state: () => 0,
    onElement({ n }, context) {
      context.state = n;
      context.setEventTimer(5);
      context.setEventTimer(context.maxTimestampMs);
      context.setProcessingTimer(context.processingTimeMs + 1);
      return "continue";
    },
    onEventTime: (timeMs, { maxTimestampMs }) => (timeMs === maxTimestampMs ? "fire" : "continue"),
    onMerge: () => {},
    ...more,
  });

/** The place as a dead letter names it, what it is a part of, and the operator. An element fails that has the number 13. What
 * failed is gone with its element, or its result; "stays": no result is lost with it; "before": the results of elements before it stay.
 */
export type Place = readonly [step: string, place: string, sink: Sink, rest?: "stays" | "before"];
