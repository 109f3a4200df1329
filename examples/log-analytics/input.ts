/** Half an hour of requests to a shop's services: some fail, some are slow, some lines are broken, and one server sends its log too late. */

import { Chance } from "../chance.ts";
import { type InputOptions, type InputRecord, toBrokenRecord, toRecord } from "../example.ts";
import { accessLog, type Request } from "./functions/topics.ts";

const SERVICES = ["checkout", "search", "catalogue", "login", "images"];
const SPAN_MS = 30 * 60_000;
/** Of the topic's declaration: what is further behind may be late. */
const BOUND_MS = 5_000;
const BROKEN_SHARE = 0.002;
const LATE_SHARE = 0.005;

export type AccessLogs = {
  readonly records: readonly InputRecord[];
  readonly requests: readonly Request[];
  /** Come when every minute is over. */
  readonly late: readonly Request[];
  readonly broken: number;
};

export function generateAccessLogs({ records: count, seed, endMs }: InputOptions): AccessLogs {
  const chance = new Chance(seed);
  const records: InputRecord[] = [];
  const requests: Request[] = [];
  let broken = 0;
  const draw = (at: number): Request => {
    const service = chance.popular(SERVICES);
    const isError = chance.happens(service === "login" ? 0.05 : 0.01);
    return { service, status: isError ? 503 : 200, ms: chance.longTailMs(isError ? 200 : 12), at };
  };
  const lateCount = Math.round(count * LATE_SHARE);
  for (const at of chance.arrivals(count - lateCount, endMs - SPAN_MS, endMs, BOUND_MS)) {
    const by = `server-${chance.whole(1, 8)}`;
    if (chance.happens(BROKEN_SHARE)) {
      broken += 1;
      records.push(toBrokenRecord(accessLog, '{"service":"sear', { timestampMs: at, by }));
      continue;
    }
    const request = draw(at);
    requests.push(request);
    records.push(toRecord(accessLog, request, { timestampMs: at, by }));
  }
  const late = Array.from({ length: lateCount }, () => draw(chance.whole(endMs - SPAN_MS, endMs - 1)));
  return { records, requests, late, broken };
}
