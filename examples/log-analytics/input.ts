/** Half an hour of requests to a shop's services: some fail, some are slow, some lines are broken, and one server sends its log too late. */

import { Chance } from "../chance.ts";
import { type InputOptions, toRecord } from "../example.ts";
import { type Generated, mixInBroken } from "../generated.ts";
import { accessLog, type Request } from "./functions/topics.ts";

const SERVICES = ["checkout", "search", "catalogue", "login", "images"];
const SPAN_MS = 30 * 60_000;
/** Of the topic's declaration: what is further behind may be late. */
const BOUND_MS = 5_000;
const LATE_SHARE = 0.005;

export function generateAccessLogs({ records: count, seed, endMs }: InputOptions): Generated<Request> {
  const chance = new Chance(seed);
  const draw = (at: number): Request => {
    const service = chance.popular(SERVICES);
    const isError = chance.happens(service === "login" ? 0.05 : 0.01);
    return { service, status: isError ? 503 : 200, ms: chance.longTailMs(isError ? 200 : 12), at };
  };
  const lateCount = Math.round(count * LATE_SHARE);
  const elements = [...chance.arrivals(count - lateCount, endMs - SPAN_MS, endMs, BOUND_MS)].map(draw);
  const records = elements.map((request) =>
    toRecord(accessLog, request, { timestampMs: request.at, by: `server-${chance.whole(1, 8)}` }),
  );
  const late = Array.from({ length: lateCount }, () => draw(chance.whole(endMs - SPAN_MS, endMs - 1)));
  return { ...mixInBroken(chance, records, '{"service":"sear'), elements, late };
}
