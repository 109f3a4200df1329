/** What the tests of lib/runtime build operators from: topics of clicks, and results that are easy to compare. */

import {
  boundedOutOfOrderness,
  json,
  milliseconds,
  type Operator,
  operator,
  stream,
  type TumblingOptions,
  text,
  topic,
  tumbling,
  type WatermarkStrategy,
} from "millrace";

export type Click = { readonly user: string; readonly n?: number };

/** The result of a window of a user. */
export type Counted = { readonly user: string; readonly count: number; readonly startMs: number };

export const counted = topic("counted", { key: text(), value: json<Counted>() });

/** Elements that were too late. */
export const lateClicks = topic("late-clicks", { key: text(), value: json<Click>() });

/** A topic of clicks whose watermark is the newest timestamp − 1, unless a test wants another. */
export function clicksTopic(watermark: WatermarkStrategy = boundedOutOfOrderness(milliseconds(0)), partitions = 1) {
  return topic("clicks", { key: text(), value: json<Click>(), watermark, partitions });
}

export const clicks = clicksTopic();

export type CountSettings = TumblingOptions & {
  readonly size?: number;
  readonly allowedLateness?: number;
  readonly source?: typeof clicks;
  readonly late?: "to topic";
};

/** Clicks per user and window: the operator that most rules of windows can be seen at. */
export function countPerUser({
  size = 5_000,
  allowedLateness = 0,
  source = clicks,
  late,
  ...options
}: CountSettings = {}): Operator {
  const keyed = stream(source).keyBy((click) => click.user);
  let windows = keyed.window(tumbling(milliseconds(size), options));
  if (allowedLateness > 0) windows = windows.allowedLateness(milliseconds(allowedLateness));
  if (late !== undefined) windows = windows.lateTo(lateClicks);
  return operator(
    "count",
    windows
      .count()
      .to(counted.from(({ key, value, window }) => ({ user: key, count: value, startMs: window.startMs }))),
  );
}

/** `start user count`, in the order of arrival. */
export function toLines(results: readonly Counted[]): string[] {
  return results.map(({ startMs, user, count }) => `${startMs} ${user} ${count}`);
}

/** The same as a set: what is in it, whatever the order. */
export function toSortedLines(results: readonly Counted[]): string[] {
  return toLines(results).sort();
}
