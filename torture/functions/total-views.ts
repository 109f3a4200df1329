/** Views and worth of each page in two seconds: a shuffle, windows, and both kinds of topics. */

import { operator, seconds, stream, tumbling } from "millrace";
import { counts, totals, visits } from "./topics.ts";

const perWindow = stream(visits)
  .map(({ pages, worth }) => ({ pages, worth: Math.floor(worth / Math.max(1, pages.length)) }))
  .flatMap(({ pages, worth }) => pages.map((page) => ({ page, worth })))
  .keyBy(({ page }) => page)
  .window(tumbling(seconds(2)))
  .aggregate((on) => ({ views: on.count(), worth: on.sum(({ worth }) => worth) }))
  .map(({ key, value, window }) => ({ page: key, windowStartMs: window.startMs, ...value }));

// Small batches, and so many commits: there is more to go wrong.
export const handler = operator(
  { name: "total-views", function: { batch: { maxRecords: 1_000 } } },
  perWindow.to(totals),
  perWindow.to(counts),
);
