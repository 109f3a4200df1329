/** Reports computed by plain loops: for every shop, day and hour, over all sales again. */

import { type Example, expectIn, toRecord } from "../example.ts";
import { dailyReports, hourlyReports, lateSales, type Report, type Sale, sales } from "./functions/topics.ts";
import { generateSales } from "./input.ts";

export const shopReports: Example = {
  name: "shop-reports",
  title: "what each shop has sold: every hour the day so far, and every day",
  plan(options) {
    const input = generateSales(options);
    const reports = reportDirectly(input.elements);
    return {
      waves: [
        { what: "the sales of two days", records: input.records },
        {
          what: "sales of a till that was offline for days",
          records: input.late.map((sale) => toRecord(sales, sale, { timestampMs: sale.at, by: "offline" })),
        },
      ],
      expected: [
        expectIn(hourlyReports, reports),
        expectIn(
          dailyReports,
          reports.filter(({ until }) => until === "24:00"),
        ),
        expectIn(lateSales, input.late),
      ],
      deadLetters: { "report-sales": input.broken },
    };
  },
};

function reportDirectly(all: readonly Sale[]): readonly Report[] {
  const reports: Report[] = [];
  const dayOf = ({ at }: Sale) => new Date(at).toISOString().slice(0, 10);
  for (const shop of new Set(all.map((sale) => sale.shop)))
    for (const day of new Set(all.map(dayOf))) {
      const ofDay = all.filter((sale) => sale.shop === shop && dayOf(sale) === day);
      for (let hour = 1; hour <= 24; hour += 1) {
        const cents = ofDay.filter(({ at }) => new Date(at).getUTCHours() < hour).map((sale) => sale.cents);
        if (cents.length === 0) continue;
        reports.push({
          shop,
          day,
          until: `${String(hour).padStart(2, "0")}:00`,
          sales: cents.length,
          cents: cents.reduce((sum, some) => sum + some, 0),
          largestCents: Math.max(...cents),
        });
      }
    }
  return reports;
}
