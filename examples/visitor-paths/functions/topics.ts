/** What visitors do on the pages of a shop, their visits, and the carts that they leave behind. */

import { boundedOutOfOrderness, json, seconds, text, topic } from "millrace";

export type Click = {
  readonly visitor: string;
  readonly kind: "view" | "cart" | "order";
  readonly item: string;
  readonly at: number;
};

export const clicks = topic("clicks", {
  value: json<Click>(),
  timestampOf: (click) => click.at,
  watermark: boundedOutOfOrderness(seconds(5), { idleAfter: seconds(1) }),
});

export type Visit = {
  readonly visitor: string;
  readonly from: string;
  readonly seconds: number;
  /** As in "view a > cart a > order a". */
  readonly path: string;
};

/** One record per visit, when it is over. */
export const visits = topic("visits", { key: text(), value: json<Visit>() });

export type AbandonedCart = {
  readonly visitor: string;
  readonly item: string;
  readonly viewedAt: number;
  readonly cartAt: number;
};

/** Carts of which nothing came. */
export const abandonedCarts = topic("abandoned-carts", { key: text(), value: json<AbandonedCart>() });

/** Clicks that came when their time was over. */
export const lateClicks = topic("late-clicks", { value: json<Click>() });
