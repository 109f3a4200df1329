/** The minutes of services, computed by plain loops over all requests. */

import { type Example, expectIn, toRecord } from "../example.ts";
import { accessLog, lateRequests, type MinuteOfService, type Request, serviceMinutes } from "./functions/topics.ts";
import { generateAccessLogs } from "./input.ts";

/** How near `on.quantile` promises to be, with room for a last digit. */
const QUANTILE_ERROR = 0.01 + 1e-9;

export const logAnalytics: Example = {
  name: "log-analytics",
  title: "requests, errors and p95 per service and minute",
  plan(options) {
    const { records, elements, late, broken } = generateAccessLogs(options);
    return {
      waves: [
        { what: "the requests of half an hour", records },
        {
          what: "requests that come too late",
          records: late.map((request) =>
            toRecord(accessLog, request, { timestampMs: request.at, by: "server-that-was-offline" }),
          ),
        },
      ],
      expected: [
        expectIn(serviceMinutes, countDirectly(elements), {
          identify: ({ service, minute }) => `${service} ${minute}`,
          isRight: (expected, actual) =>
            actual.requests === expected.requests &&
            actual.errors === expected.errors &&
            Math.abs(actual.p95Ms - expected.p95Ms) <= QUANTILE_ERROR * expected.p95Ms,
        }),
        expectIn(lateRequests, late),
      ],
      deadLetters: { "service-minutes": broken },
    };
  },
};

function countDirectly(requests: readonly Request[]): readonly MinuteOfService[] {
  const all = new Map<string, Request[]>();
  for (const request of requests) {
    const name = `${request.service} ${new Date(request.at).toISOString().slice(0, 16)}`;
    const same = all.get(name);
    if (same === undefined) all.set(name, [request]);
    else same.push(request);
  }
  return [...all].map(([name, some]) => {
    const [service = "", minute = ""] = name.split(" ");
    const sorted = some.map(({ ms }) => ms).sort((a, b) => a - b);
    return {
      service,
      minute,
      requests: some.length,
      errors: some.filter(({ status }) => status >= 500).length,
      p95Ms: sorted[Math.ceil(0.95 * sorted.length) - 1] as number,
    };
  });
}
