/** Hourly and daily reports: what each shop has sold since midnight, told every hour, and at the end of the day. */

import { cumulative, days, hours, operator, stream } from "millrace";
import { dailyReports, hourlyReports, lateSales, sales } from "./topics.ts";

const reports = stream(sales)
  .keyBy((sale) => sale.shop)
  .window(cumulative(hours(1), days(1)))
  .lateTo(lateSales)
  .aggregate((on) => ({
    sales: on.count(),
    cents: on.sum((sale) => sale.cents),
    largestCents: on.max((sale) => sale.cents),
  }))
  .map(({ key, value, window: { startMs, endMs } }) => ({
    shop: key,
    day: new Date(startMs).toISOString().slice(0, 10),
    until: endMs - startMs === days(1) ? "24:00" : new Date(endMs).toISOString().slice(11, 16),
    ...value,
  }));

export const handler = operator(
  "report-sales",
  reports.to(hourlyReports.from((report) => report)),
  reports.filter(({ until }) => until === "24:00").to(dailyReports.from((report) => report)),
);
