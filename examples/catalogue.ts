/** All examples, in the order in which they are listed. */

import { MillraceError } from "millrace";
import { dataCleaning } from "./data-cleaning/example.ts";
import type { Example } from "./example.ts";
import { logAnalytics } from "./log-analytics/example.ts";
import { paidOrdersExample } from "./paid-orders/example.ts";
import { recommendationsExample } from "./recommendations/example.ts";
import { riskControl } from "./risk-control/example.ts";
import { shopReports } from "./shop-reports/example.ts";
import { visitorPaths } from "./visitor-paths/example.ts";

export const EXAMPLES: readonly Example[] = [
  logAnalytics,
  dataCleaning,
  recommendationsExample,
  riskControl,
  visitorPaths,
  shopReports,
  paidOrdersExample,
];

/** Throws a MillraceError "usage" for a name that none has. */
export function findExample(name: string): Example {
  const found = EXAMPLES.find((example) => example.name === name);
  if (found !== undefined) return found;
  const names = EXAMPLES.map((example) => example.name).join(", ");
  throw new MillraceError("usage", `There is no example "${name}"; there are: ${names}.`);
}
