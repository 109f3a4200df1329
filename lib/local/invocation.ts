/** Invokes a handler as Lambda does: with an event, a context and a time limit after which nobody waits any more, though the handler goes on. */

import { randomUUID } from "node:crypto";
import { MillraceError } from "../stream/error.ts";
import type { ColumnsEvent } from "../wire/columns-event.ts";
import type { Clock } from "./clock.ts";
import type { Outcome } from "./retry-policy.ts";

/** A handler as Lambda takes it. The parameters are `never` so that any event type of the author's fits. */
export type LambdaHandler = (event: never, context: never, callback: never) => unknown;

/** What a handler is told about its invocation, as on Lambda. */
export type LambdaContext = {
  readonly awsRequestId: string;
  readonly functionName: string;
  readonly functionVersion: string;
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
  callbackWaitsForEmptyEventLoop: boolean;
  getRemainingTimeInMillis(): number;
};

/** A function that a mapping, or anyone, can invoke. */
export type LocalFunction = {
  readonly name: string;
  readonly handler: LambdaHandler;
  /** Lambda's default is 3,000; at most 840,000, since a mapping allows 14 minutes. */
  readonly timeoutMs?: number;
  /** Told to the handler and not enforced; 128 unless set. */
  readonly memoryMb?: number;
  /** The handler takes the text of an event and reads it itself. Lambda always passes the parsed object, which is the default. */
  readonly acceptsText?: boolean;
  /** The handler takes records as columns too (wire/columns-event.ts), and a mapping in the same process gives it these. */
  readonly acceptsColumns?: boolean;
  /** Properties that the context gets beside Lambda's own; asked before each invocation. */
  readonly extendContext?: (context: LambdaContext) => object;
};

const TIMEOUT_MS_DEFAULT = 3_000;
const TIMEOUT_MS_MAX = 14 * 60_000;
const MEMORY_MB_DEFAULT = 128;

/** A reason of our own: without one, an abort makes an exception with a stack for nobody. */
const ENDED = "ended";

export type InvocationOptions = {
  readonly clock: Clock;
  /** Gives up at once, as if the time were over. For faults. */
  readonly timeoutEarly?: boolean;
  readonly newRequestId?: () => string;
};

/**
 * Invokes a function with the text of an event, or with columns where it takes them. Never rejects. Where the time is over first the outcome is "timed-out", and what the handler
 * does or throws afterwards is nobody's concern; `onZombie` is called with a promise of its end.
 */
export async function invoke(
  target: LocalFunction,
  eventGiven: string | ColumnsEvent,
  options: InvocationOptions,
  onZombie?: (ended: Promise<void>) => void,
): Promise<Outcome> {
  const { clock } = options;
  const timeoutMs = target.timeoutMs ?? TIMEOUT_MS_DEFAULT;
  const context = newContext(target, clock, clock.now() + timeoutMs, (options.newRequestId ?? randomUUID)());
  const ended = new AbortController();
  const running = run(target, eventGiven, context);
  const timeIsOver = options.timeoutEarly === true ? Promise.resolve() : clock.sleep(timeoutMs, ended.signal);
  const outcome = await Promise.race([running, timeIsOver]);
  ended.abort(ENDED);
  if (outcome !== undefined) return outcome;
  onZombie?.(running.then(() => undefined));
  return {
    kind: "timed-out",
    error: new Error(
      `${context.awsRequestId} Task of ${target.name} timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`,
    ),
  };
}

async function run(target: LocalFunction, eventGiven: string | ColumnsEvent, context: LambdaContext): Promise<Outcome> {
  const { handler, acceptsText, extendContext } = target;
  try {
    if (extendContext !== undefined) Object.assign(context, extendContext(context));
    const isTaken = acceptsText === true || typeof eventGiven !== "string";
    const event: unknown = isTaken ? eventGiven : JSON.parse(eventGiven);
    // A third parameter, the callback, has had no meaning since Node.js 24 on Lambda.
    const call = handler as (event: unknown, context: unknown) => unknown;
    return { kind: "succeeded", response: await call(event, context) };
  } catch (error) {
    return { kind: "failed", error };
  }
}

function newContext(target: LocalFunction, clock: Clock, deadlineMs: number, awsRequestId: string): LambdaContext {
  return {
    awsRequestId,
    functionName: target.name,
    functionVersion: "$LATEST",
    invokedFunctionArn: `arn:aws:lambda:local:000000000000:function:${target.name}`,
    memoryLimitInMB: String(target.memoryMb ?? MEMORY_MB_DEFAULT),
    logGroupName: `/aws/lambda/${target.name}`,
    logStreamName: "local",
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - clock.now()),
  };
}

/** Throws "usage" for a time limit that Lambda would not take. */
export function checkFunction({ name, timeoutMs = TIMEOUT_MS_DEFAULT }: LocalFunction): void {
  if (!(timeoutMs >= 1 && timeoutMs <= TIMEOUT_MS_MAX)) {
    throw new MillraceError(
      "usage",
      `Function "${name}" has a time limit of ${timeoutMs} ms; with an event source mapping it must be from 1 to ${TIMEOUT_MS_MAX}.`,
    );
  }
}
