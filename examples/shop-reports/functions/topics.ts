/** Sales of several shops, and the reports about them. */

import { boundedOutOfOrderness, json, minutes, seconds, topic } from "millrace";

export type Sale = { readonly shop: string; readonly cents: number; readonly at: number };

/** One record per sale, from tills that may be up to a minute behind. */
export const sales = topic("sales", {
  value: json<Sale>(),
  timestampOf: (sale) => sale.at,
  watermark: boundedOutOfOrderness(minutes(1), { idleAfter: seconds(1) }),
});

/** What a shop has sold on a day until an hour. */
export type Report = {
  readonly shop: string;
  readonly day: string;
  readonly until: string;
  readonly sales: number;
  readonly cents: number;
  readonly largestCents: number;
};

/** Every hour: the day so far. */
export const hourlyReports = topic("hourly-reports", { value: json<Report>() });

/** Once a day: all of it. */
export const dailyReports = topic("daily-reports", { value: json<Report>() });

/** Sales that came when their day was over. */
export const lateSales = topic("late-sales", { value: json<Sale>() });
