/** Log analytics: how many requests and errors, and how slow, per service and minute. */

import { minutes, operator, stream, tumbling } from "millrace";
import { accessLog, lateRequests, serviceMinutes } from "./topics.ts";

export const handler = operator(
  "service-minutes",
  stream(accessLog)
    .keyBy((request) => request.service)
    .window(tumbling(minutes(1)))
    .lateTo(lateRequests)
    .aggregate((on) => ({
      requests: on.count(),
      errors: on.count((request) => request.status >= 500),
      p95Ms: on.quantile(0.95, (request) => request.ms),
    }))
    .to(
      serviceMinutes.from(({ key, value, window }) => ({
        service: key,
        minute: new Date(window.startMs).toISOString().slice(0, 16),
        ...value,
      })),
    ),
);
