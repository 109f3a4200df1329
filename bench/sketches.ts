/** Sketches beside a sum: what a quantile and distinct values cost, in a window with few elements a key and in one with many. */

import { json, operator, seconds, stream, topic, tumbling } from "millrace";
import type { ProgressOf } from "./section.ts";
import { type Compared, compare, views } from "./windows.ts";

const results = topic("results", { value: json<number>(), partitions: 1 });
const windows = {
  "per user": stream(views)
    .keyBy((view) => view.user)
    .window(tumbling(seconds(60))),
  "per page": stream(views)
    .keyBy((view) => view.page)
    .window(tumbling(seconds(60))),
};

/** Of the window's result only the number is written, so that all write as much. */
const toNumber = results.from(({ value }: { readonly value: number }) => value);

/** 120 elements a minute of each of 10,000 users, 1,200 of each of 1,000 pages. */
const OPERATORS: Compared = (["per user", "per page"] as const).flatMap((key) => [
  [`sum ${key}`, undefined, operator("sum", windows[key].sum((view) => view.ms).to(toNumber))],
  [
    `quantile 0.95 ${key}`,
    undefined,
    operator("quantile", windows[key].aggregate((on) => on.quantile(0.95, (view) => view.ms)).to(toNumber)),
  ],
  [
    `distinct ids ${key}`,
    undefined,
    operator("distinct", windows[key].aggregate((on) => on.distinct((view) => view.id)).to(toNumber)),
  ],
]);

export const sketches = (progressOf: ProgressOf) => compare("sketches beside a sum per user", OPERATORS, progressOf);
