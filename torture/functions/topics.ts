/** The topics of the pipeline that is tortured. */

import { boundedOutOfOrderness, json, seconds, text, topic } from "millrace";

/** Somebody looked at pages, and what that was worth in all. */
export type Visit = { readonly atMs: number; readonly pages: readonly string[]; readonly worth: number };

/** What a window gave for a page. */
export type PageTotal = {
  readonly page: string;
  readonly windowStartMs: number;
  readonly views: number;
  readonly worth: number;
};

/** What the first so many windows of a page gave together. */
export type PageSum = {
  readonly page: string;
  readonly windows: number;
  readonly views: number;
  readonly worth: number;
};

const PARTITIONS = 4;

/** Never idle: what stands still while servers are down must not let time pass. */
export const visits = topic("visits", {
  value: json<Visit>(),
  timestampOf: (visit) => visit.atMs,
  watermark: boundedOutOfOrderness(seconds(1)),
  partitions: PARTITIONS,
});

export const totals = topic("totals", {
  key: text(),
  value: json<PageTotal>(),
  exactlyOnce: true,
  partitions: PARTITIONS,
});

/** The same, with repeats that can be told by their identity. */
export const counts = topic("counts", { key: text(), value: json<PageTotal>(), partitions: PARTITIONS });

export const sums = topic("sums", { key: text(), value: json<PageSum>(), exactlyOnce: true, partitions: PARTITIONS });
