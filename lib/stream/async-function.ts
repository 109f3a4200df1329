/** Asynchronous functions: calls to the outside for each element, as authors declare them. Nothing is called here. */

import type { Ctx } from "./ctx.ts";
import type { Duration } from "./duration.ts";
import type { Named } from "./elements.ts";
import { MillraceError } from "./error.ts";
import type { Key } from "./key.ts";
import type { AuthorFunction } from "./node.ts";
import { type ClientSpec, toClientSpec, type Uses, type ValuesOf } from "./settings.ts";
import type { NotAsync } from "./storable.ts";

/** What a call is given beside the value. */
export interface AsyncCall<out C> {
  /** What `open` gave. */
  readonly client: C;
  /** Aborts when the call's time is over or its invocation ends. Hand it to what is called: a call that ignores it goes on for nobody. */
  readonly signal: AbortSignal;
  /** 1 for the first attempt. */
  readonly attempt: number;
}

/** How long to wait before the second attempt, the third, …: `initial`, then each time `multiplier` times as long, up to `max`. */
export interface Backoff {
  /** Default 100 ms. */
  readonly initial?: Duration;
  /** Default 10 s. */
  readonly max?: Duration;
  /** Default 2. */
  readonly multiplier?: number;
}

/** Answers that an execution environment remembers. */
export interface AnswerCache<in T> {
  /** Values of the same key have the same answer: it must depend on nothing else of them. */
  readonly key: (value: T) => Key;
  /** How long an answer holds, by the clock of the task. */
  readonly ttl: Duration;
  /** More answers than these are not kept; the one that was not asked for the longest goes first. */
  readonly maxEntries: number;
}

/**
 * A call to the outside for each element, whose answer takes the element's place. Either `call` or `callBatch`; `uses` and `open` stand before them, or their
 * types cannot be inferred.
 *
 * Every call is made at least once: what was answered is committed with the batch, so a crash before the commit, or a race that is lost, repeats the calls of the
 * batch. A call that fails for good makes its element a dead letter, and its neighbours go on. Answers must not be changed: they may be used again.
 */
export interface AsyncFunction<in T, out R, in out U extends Uses = Uses, in out C = undefined> {
  /** Settings and secrets, given to `open`. A missing one is an error before anything is processed, and no dead letter. */
  readonly uses?: U;
  /**
   * Makes what calls use: once in each execution environment, before the first call. Where it throws, or takes longer than 30 s, the batch is delivered again and it is
   * called again.
   */
  readonly open?: (values: ValuesOf<NoInfer<U>>) => C | PromiseLike<C>;
  readonly call?: (value: T, call: AsyncCall<NoInfer<C>>) => PromiseLike<R>;
  /**
   * Asks for many values at once: as many results as values, in their order. An Error in the place of a result fails that value alone; what it throws fails all.
   */
  readonly callBatch?: (values: readonly T[], call: AsyncCall<NoInfer<C>>) => PromiseLike<readonly (R | Error)[]>;
  /** The most values that `callBatch` is given. Default 100. */
  readonly maxBatchSize?: number;
  /** From the first attempt to the answer, retries and the pauses before them included, as in Flink. */
  readonly timeout: Duration;
  /** For one attempt. Default: as long as `timeout`, so that an attempt without an answer leaves no time for another. */
  readonly attemptTimeout?: Duration;
  /**
   * "ordered": answers go on in the order of their elements. "unordered": in the order in which they come, but never across a watermark or a move of the clock. A
   * batch is committed as a whole either way. Default "ordered".
   */
  readonly order?: "ordered" | "unordered";
  /** Calls of a step that are under way at a time, in each task. Default 100. */
  readonly capacity?: number;
  /** Attempts after the first. Default 0. */
  readonly retries?: number;
  readonly backoff?: Backoff;
  /** Whether an error is worth another attempt. Default: each is. */
  readonly retryIf?: (error: unknown) => boolean;
  /** Default: every element is asked for. What was asked for and is not answered yet is asked for once, by whichever task. */
  readonly cache?: AnswerCache<T>;
}

/** Options of a step that asks the outside. */
export interface MapAsyncOptions<in T, in R, in out O> extends Named {
  /** Makes one of element and answer: a lookup join. What is cached is the answer, so the element does not belong into it. Default: the answer alone goes on. */
  readonly combine?: (value: T, answer: NoInfer<R>, ctx: Ctx) => O & NotAsync<O>;
}

/** An asynchronous function as the engine has it. */
export type AsyncSpec = {
  readonly client: ClientSpec;
  /** Takes `values` of `batchMax` at the most, or one value where that is undefined. */
  readonly call: AuthorFunction;
  readonly batchMax: number | undefined;
  readonly timeoutMs: number;
  readonly attemptMs: number;
  readonly order: "ordered" | "unordered";
  readonly capacity: number;
  readonly attemptsMax: number;
  readonly backoff: { readonly initialMs: number; readonly maxMs: number; readonly multiplier: number };
  readonly retryIf: AuthorFunction | undefined;
  readonly cache: { readonly key: AuthorFunction; readonly ttlMs: number; readonly maxEntries: number } | undefined;
};

const BATCH_DEFAULT = 100;
/** As in Flink. */
const CAPACITY_DEFAULT = 100;
const BACKOFF_DEFAULT = { initialMs: 100, maxMs: 10_000, multiplier: 2 };

/** Specifications by what authors wrote: one object is one function, with one client and one cache, wherever it is used. */
const specs = new WeakMap<object, AsyncSpec>();

/**
 * Declares an asynchronous function, to be used with `mapAsync` and replaced in tests with `driver.replace`. Several steps may use it: they share client and cache.
 * Throws a MillraceError "definition" for what does not fit together.
 */
export function asyncFunction<T, R, U extends Uses = Record<never, never>, C = undefined>(
  declared: AsyncFunction<T, R, U, C>,
): AsyncFunction<T, R, U, C> {
  toAsyncSpec(declared, "asyncFunction");
  return declared;
}

/** What an author declared, checked. */
export function toAsyncSpec(declared: unknown, method: string): AsyncSpec {
  if (typeof declared !== "object" || declared === null)
    throw wrong(
      method,
      `it takes an object, as in { call: async (order, { signal }) => …, timeout: seconds(2) }, not ${declared === null ? "null" : `a ${typeof declared}`}.`,
    );
  let spec = specs.get(declared);
  if (spec === undefined) {
    // biome-ignore lint/suspicious/noExplicitAny: the builder has checked the types, and this checks the rest.
    spec = checked(declared as AsyncFunction<any, unknown, Uses, unknown>, method);
    specs.set(declared, spec);
  }
  return spec;
}

// biome-ignore lint/suspicious/noExplicitAny: as above.
function checked(declared: AsyncFunction<any, unknown, Uses, unknown>, method: string): AsyncSpec {
  const { call, callBatch, maxBatchSize = BATCH_DEFAULT, timeout, attemptTimeout = timeout } = declared;
  const { order = "ordered", capacity = CAPACITY_DEFAULT, retries = 0, backoff = {}, retryIf, cache } = declared;
  const isFunction = (name: string, fn: unknown) => {
    if (fn !== undefined && typeof fn !== "function") throw wrong(method, `${name} is a function, not ${typeof fn}.`);
  };
  const inRange = (name: string, n: number, least: number, what = "a whole number") => {
    if (!Number.isSafeInteger(n) || n < least) throw wrong(method, `${name} is ${what} from ${least}, not ${n}.`);
  };
  const isDuration = (name: string, ms: number) => inRange(name, ms, 1, "a whole number of milliseconds");
  isFunction("call", call);
  isFunction("callBatch", callBatch);
  isFunction("retryIf", retryIf);
  const fn = call ?? callBatch;
  if (fn === undefined || (call !== undefined && callBatch !== undefined))
    throw wrong(method, "it has either a call or a callBatch.");
  if (callBatch === undefined && declared.maxBatchSize !== undefined)
    throw wrong(method, "maxBatchSize belongs to callBatch.");
  inRange("maxBatchSize", maxBatchSize, 1);
  isDuration("timeout", timeout);
  isDuration("attemptTimeout", attemptTimeout);
  if (order !== "ordered" && order !== "unordered")
    throw wrong(method, `order is "ordered" or "unordered", not ${JSON.stringify(order)}.`);
  inRange("capacity", capacity, 1);
  inRange("retries", retries, 0);
  const {
    initial = BACKOFF_DEFAULT.initialMs,
    max = BACKOFF_DEFAULT.maxMs,
    multiplier = BACKOFF_DEFAULT.multiplier,
  } = backoff;
  inRange("backoff.initial", initial, 0, "a whole number of milliseconds");
  inRange("backoff.max", max, 0, "a whole number of milliseconds");
  if (!(multiplier >= 1 && Number.isFinite(multiplier)))
    throw wrong(method, `backoff.multiplier is a number from 1, not ${multiplier}.`);
  if (cache !== undefined) {
    if (typeof cache.key !== "function") throw wrong(method, `cache.key is a function, not ${typeof cache.key}.`);
    isDuration("cache.ttl", cache.ttl);
    inRange("cache.maxEntries", cache.maxEntries, 1);
  }
  return {
    client: toClientSpec(method, declared),
    call: fn,
    batchMax: call === undefined ? maxBatchSize : undefined,
    timeoutMs: timeout,
    attemptMs: Math.min(timeout, attemptTimeout),
    order,
    capacity,
    attemptsMax: retries + 1,
    backoff: { initialMs: initial, maxMs: max, multiplier },
    retryIf,
    cache: cache === undefined ? undefined : { key: cache.key, ttlMs: cache.ttl, maxEntries: cache.maxEntries },
  };
}

function wrong(method: string, sentence: string): MillraceError {
  return new MillraceError("definition", `${method}(): ${sentence}`);
}
