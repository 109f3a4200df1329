/** Adds up what the windows of a page gave, from a topic that may hold repeats. */

import { operator, stream } from "millrace";
import { counts, sums } from "./topics.ts";

export const handler = operator(
  "sum-views",
  stream(counts)
    .keyBy(({ page }) => page)
    .aggregate((on) => ({
      windows: on.count(),
      views: on.sum(({ views }) => views),
      worth: on.sum(({ worth }) => worth),
    }))
    .to(sums.from(({ key, value }) => ({ page: key, ...value }))),
);
