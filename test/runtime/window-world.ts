/** What the tests of windows build operators from: a stream in which only the test moves the time, and results as lines. */

import {
  at,
  boundedOutOfOrderness,
  json,
  milliseconds,
  operator,
  type Sink,
  stream,
  testDriver,
  topic,
} from "millrace";
import { readOnce } from "./read-once.ts";

export type Item = { readonly key: string; readonly n: number };

export const items = topic("items", {
  value: json<Item>(),
  watermark: boundedOutOfOrderness(milliseconds(1_000_000)),
  partitions: 1,
});
export const out = topic("out", { value: json<string>(), partitions: 1 });
export const late = topic("late", { value: json<Item>(), partitions: 1 });
export const keyed = stream(items).keyBy(({ key }) => key);
export const ms = milliseconds;

type Line = { readonly key: string | null; readonly value: unknown; readonly window: object };
/** `key value start–end`. */
export const write = out.from(
  ({ key, value, window }: Line) => `${key} ${JSON.stringify(value)} ${Object.values(window).join("–")}`,
);
/** An element of key "a". */
export const a = (timestampMs: number, n = 1) => at(timestampMs, { key: "a", n });

export const drive = (sink: Sink) => testDriver(operator("rules", sink), { startMs: 1_000 });
export const told = (driver: Awaited<ReturnType<typeof drive>>) => readOnce(driver, out);
