/** What visitors look at, and what others look at with it. */

import { boundedOutOfOrderness, json, seconds, topic } from "millrace";

export type View = { readonly visitor: string; readonly item: string; readonly at: number };

export const views = topic("views", {
  value: json<View>(),
  timestampOf: (view) => view.at,
  watermark: boundedOutOfOrderness(seconds(5), { idleAfter: seconds(1) }),
});

export type Recommendation = {
  readonly item: string;
  readonly hour: string;
  /** The most viewed in the same visits, the most first. */
  readonly alsoViewed: readonly { readonly item: string; readonly visits: number }[];
};

/** One record per item and hour. */
export const recommendations = topic("recommendations", { value: json<Recommendation>() });
