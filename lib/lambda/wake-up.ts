/** A message that wakes one task at a time. It is a hint, like every tick: one too many does no harm, and a lost one is made good by the schedule. */

import type { TickEvent } from "../wire/lambda-event.ts";

export type WakeUp = {
  readonly functionName: string;
  readonly topic: string;
  readonly partition: number;
  /** Epoch milliseconds. */
  readonly atMs: number;
};

/** SQS keeps a message back for 15 minutes at most. What is further away goes round again. */
const DELAY_S_MAX = 900;

/** In how many seconds a wake-up that is sent now arrives: never before its time, unless that is too far away. */
export function delaySecondsOf({ atMs }: WakeUp, nowMs: number): number {
  return Math.min(DELAY_S_MAX, Math.max(0, Math.ceil((atMs - nowMs) / 1_000)));
}

/** Whether two wake-ups are of one task. */
export function placeOf({ functionName, topic, partition }: WakeUp): string {
  return `${functionName}/${topic}-${partition}`;
}

/** What SQS invokes a function with, as far as it is used. */
export type QueueEvent = { readonly Records: readonly { readonly eventSource: string; readonly body: string }[] };

export function isQueueEvent(event: unknown): event is QueueEvent {
  const { Records } = (event ?? {}) as Partial<QueueEvent>;
  return Array.isArray(Records) && Records[0]?.eventSource === "aws:sqs";
}

export function encodeWakeUp(wakeUp: WakeUp): string {
  return JSON.stringify(wakeUp);
}

/** The wake-ups of an event; what is none of ours is left out, since nobody could ever do anything with it. */
export function wakeUpsIn({ Records }: QueueEvent): readonly WakeUp[] {
  return Records.flatMap(({ body }) => decodeWakeUp(body) ?? []);
}

function decodeWakeUp(body: string): WakeUp | undefined {
  try {
    const { functionName, topic, partition, atMs } = JSON.parse(body) as Partial<WakeUp>;
    return typeof functionName === "string" &&
      typeof topic === "string" &&
      Number.isSafeInteger(partition) &&
      Number.isFinite(atMs)
      ? { functionName, topic, partition: partition as number, atMs: atMs as number }
      : undefined;
  } catch {
    return undefined;
  }
}

/** One tick for the tasks of each function, each task once. */
export function ticksOf(wakeUps: readonly WakeUp[]): readonly TickEvent[] {
  const once = new Map(wakeUps.map((wakeUp) => [placeOf(wakeUp), wakeUp]));
  return [...Map.groupBy(once.values(), ({ functionName }) => functionName)].map(([functionName, due]) => ({
    eventSource: "millrace:tick",
    functionName,
    tasks: due.map(({ topic, partition }) => ({ topic, partition })),
  }));
}
