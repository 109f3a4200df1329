/** How a source derives its watermark, as authors describe it; what it does is in lib/watermarks. */

import { authorFunction } from "./author-function.ts";
import { type Duration, days, milliseconds } from "./duration.ts";
import type { AuthorFunction } from "./node.ts";

/** "No element with timestamp ≤ t is expected any more", derived from what has been read; from elements of V where a function looks at them. */
export interface WatermarkStrategy<in V = unknown> {
  readonly kind: "bounded" | "generated" | "none";
  /** How far behind the newest timestamp an element may be and still be on time; how far behind the clock the watermark stays when it follows that. */
  readonly bound: Duration;
  /** A partition with nothing to read for longer than this no longer holds the watermark back. */
  readonly idleAfter: Duration | undefined;
  /** Timestamps and watermarks further ahead of the clock than this do not move the watermark. */
  readonly futureBound: Duration;
  /** What the watermark does when every partition is idle: stand still, or follow the clock at the bound's distance. */
  readonly whenIdle: "wait" | "follow-clock";
  /** Of "generated". */
  // biome-ignore lint/suspicious/noExplicitAny: only the generator itself knows what it remembers.
  readonly generator: WatermarkGenerator<V, any> | undefined;
}

/** What a watermark does about quiet partitions and timestamps from the future. */
export interface WatermarkOptions {
  /** Default: never idle; a quiet partition holds the watermark back. */
  readonly idleAfter?: Duration;
  /**
   * Default: one day. How far ahead of the task's clock a timestamp, or what a generator says, may move the watermark. An element that is further ahead is processed as
   * any other and counted as `future`, so that one broken producer's timestamp of the year 2100 closes no windows. Flink's alignment, which stops reading what is ahead
   * of others, has no counterpart: what polls the topics is not ours to stop.
   */
  readonly futureBound?: Duration;
  /** Default: "follow-clock" where `idleAfter` is given. */
  readonly whenIdle?: "wait" | "follow-clock";
}

/** Options of a watermark that functions of the author make. */
export interface GeneratedWatermarkOptions extends WatermarkOptions {
  /** How far behind the clock the watermark stays when it follows that. Default: not at all. */
  readonly bound?: Duration;
}

/** What a generator's functions are given. One object is reused for all calls. */
export interface GeneratorCtx<out S> {
  /** What `create` made, to be changed in place. */
  readonly state: S;
  /** The task's clock, epoch milliseconds: the same for all of a batch. */
  readonly processingTimeMs: number;
}

/** What onEvent is given beside the element. */
export interface GeneratorEventCtx<out S> extends GeneratorCtx<S> {
  /** Of the element. */
  readonly timestampMs: number;
}

// biome-ignore lint/suspicious/noConfusingVoidType: what a function without a return statement returns.
type MaybeWatermark = number | undefined | void;

/**
 * A watermark of the author's own for each partition, as Flink's WatermarkGenerator. What the functions return is the watermark itself, without a bound taken off; one
 * that is not ahead of the last is nothing new.
 */
export interface WatermarkGenerator<in V, in out S> {
  /** What is remembered of a partition at first: an object of what can be kept in state. It is committed with the task. */
  readonly create?: () => S;
  /**
   * Called for every element that went through, but for null values and those from beyond the `futureBound`. The watermark moves at the end of the batch. What throws
   * makes a dead letter of the element.
   */
  onEvent?(value: V, ctx: GeneratorEventCtx<S>): MaybeWatermark;
  /** Called at the end of every batch and with every tick, unless the partition is idle. What throws stops the partition, as there is no element to blame. */
  onPeriodic?(ctx: GeneratorCtx<S>): MaybeWatermark;
  /** How often onPeriodic wants to be called while nothing arrives, until the partition is idle. Default: with ticks that come for another reason. */
  readonly every?: Duration;
}

function checkOptions({ idleAfter, futureBound, whenIdle }: WatermarkOptions): void {
  if (idleAfter !== undefined && !(idleAfter > 0))
    throw new RangeError(`idleAfter must be above zero (${idleAfter} ms).`);
  if (futureBound !== undefined && !(futureBound >= 0))
    throw new RangeError(`futureBound must not be negative (${futureBound} ms).`);
  if (whenIdle === "follow-clock" && idleAfter === undefined)
    throw new RangeError('whenIdle: "follow-clock" needs idleAfter: without it no partition is ever idle.');
}

function strategy(
  kind: WatermarkStrategy["kind"],
  bound: Duration,
  options: WatermarkOptions,
  generator: WatermarkStrategy["generator"],
): WatermarkStrategy {
  checkOptions(options);
  return {
    kind,
    bound,
    idleAfter: options.idleAfter,
    futureBound: options.futureBound ?? days(1),
    whenIdle: options.whenIdle ?? (options.idleAfter === undefined ? "wait" : "follow-clock"),
    generator,
  };
}

/**
 * `watermark = newest timestamp − bound − 1`, as Flink's BoundedOutOfOrdernessWatermarks. Throws a RangeError for a negative bound or
 * futureBound, for an idleAfter that is not above zero, and where the watermark is to follow the clock of what is never idle.
 */
export function boundedOutOfOrderness(bound: Duration, options: WatermarkOptions = {}): WatermarkStrategy {
  if (!(bound >= 0)) throw new RangeError(`The bound of boundedOutOfOrderness must not be negative (${bound} ms).`);
  return strategy("bounded", bound, options, undefined);
}

/** Timestamps never go back within a partition: bounded out-of-orderness with a bound of zero. */
export function monotonic(options: WatermarkOptions = {}): WatermarkStrategy {
  return boundedOutOfOrderness(milliseconds(0), options);
}

/**
 * The watermark stands in some of the elements: `fn` returns it, epoch milliseconds, or undefined. Without such an element nothing closes. In the declaration of a topic
 * the compiler wants to be told of what: `punctuated((order: Order) => …)`. Throws a MillraceError "definition" for what is no synchronous function, and RangeErrors as
 * boundedOutOfOrderness.
 */
export function punctuated<V>(
  fn: (value: V, timestampMs: number) => number | undefined,
  options: GeneratedWatermarkOptions = {},
): WatermarkStrategy<V> {
  const watermarkOf = authorFunction(fn, "punctuated");
  return generated({ onEvent: (value, { timestampMs }) => watermarkOf(value, timestampMs) as MaybeWatermark }, options);
}

/**
 * A watermark by functions of your own; see WatermarkGenerator. Throws a MillraceError "definition" for functions that are none or asynchronous, and RangeErrors as
 * boundedOutOfOrderness.
 */
export function customWatermark<V, S = undefined>(
  generator: WatermarkGenerator<V, S>,
  options: GeneratedWatermarkOptions = {},
): WatermarkStrategy<V> {
  const { create, every } = generator ?? {};
  // Bound, as its author may have written it as a method.
  const functionOf = (name: "onEvent" | "onPeriodic") =>
    generator?.[name] === undefined
      ? {}
      : { [name]: authorFunction(generator[name], "customWatermark").bind(generator) as AuthorFunction };
  const functions = { ...functionOf("onEvent"), ...functionOf("onPeriodic") };
  // Throws the sentence where there is neither.
  if (Object.keys(functions).length === 0) authorFunction(undefined, "customWatermark");
  if (every !== undefined && !(every > 0)) throw new RangeError(`every must be above zero (${every} ms).`);
  return generated(
    {
      ...functions,
      ...(create !== undefined && { create: authorFunction(create, "customWatermark") as () => S }),
      ...(every !== undefined && { every }),
    },
    options,
  );
}

function generated<V>(
  generator: NonNullable<WatermarkStrategy<V>["generator"]>,
  { bound = milliseconds(0), ...options }: GeneratedWatermarkOptions,
): WatermarkStrategy<V> {
  if (!(bound >= 0)) throw new RangeError(`The bound of a watermark must not be negative (${bound} ms).`);
  return strategy("generated", bound, options, generator as WatermarkStrategy["generator"]);
}

/** No event time: the watermark stays at −∞. A window in event time over such a source is refused. */
export function noWatermark(): WatermarkStrategy {
  return strategy("none", milliseconds(0), {}, undefined);
}

/** Whether two strategies do the same. */
export function sameStrategy(
  a: WatermarkStrategy<never> | undefined,
  b: WatermarkStrategy<never> | undefined,
): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.kind === b.kind &&
    a.bound === b.bound &&
    a.idleAfter === b.idleAfter &&
    a.futureBound === b.futureBound &&
    a.whenIdle === b.whenIdle &&
    a.generator === b.generator
  );
}
