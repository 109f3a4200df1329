/** What services write about their requests, and what is made of it. */

import { boundedOutOfOrderness, json, seconds, topic } from "millrace";

export type Request = { readonly service: string; readonly status: number; readonly ms: number; readonly at: number };

/** One record per request, by the server that answered it: up to five seconds out of order, and now and then far too late. */
export const accessLog = topic("access-log", {
  value: json<Request>(),
  timestampOf: (request) => request.at,
  watermark: boundedOutOfOrderness(seconds(5), { idleAfter: seconds(1) }),
});

export type MinuteOfService = {
  readonly service: string;
  readonly minute: string;
  readonly requests: number;
  readonly errors: number;
  readonly p95Ms: number;
};

/** One record per service and minute. */
export const serviceMinutes = topic("service-minutes", { value: json<MinuteOfService>() });

/** Requests that came when their minute was over: nothing is lost without a trace. */
export const lateRequests = topic("late-requests", { value: json<Request>() });
