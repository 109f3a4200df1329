/**
 * Calls an author's asynchronous function for the tasks of one execution environment, which share its client and its cache. Values of the same cache key that are
 * asked for at once are asked for once.
 */

import type { AsyncSpec } from "../stream/async-function.ts";
import { encodeKey, type Key } from "../stream/key.ts";
import { AnswerCache } from "./answer-cache.ts";
import type { Outcome } from "./asking.ts";
import { Abandoned, Call, type CallSetup } from "./attempts.ts";
import { afterOnMachine, clientsOf } from "./clients.ts";
import type { Host } from "./host.ts";

/** Takes outcomes as they come. */
export type Settle = (index: number, outcome: Outcome) => void;

export class AsyncCaller {
  readonly #host: Host;
  readonly #spec: AsyncSpec;
  readonly #cache: AnswerCache | undefined;
  /** Questions of a cache key that are under way: their outcome, or undefined where the call was abandoned. */
  readonly #underWay = new Map<string, Promise<Outcome | undefined>>();

  constructor(host: Host, spec: AsyncSpec) {
    this.#host = host;
    this.#spec = spec;
    this.#cache = spec.cache === undefined ? undefined : new AnswerCache(spec.cache);
  }

  /**
   * Asks for every value, with at most `capacity` calls at a time. Rejects where the client cannot be opened, and where `stop` aborts: then it gives up what is under way.
   */
  async ask(what: string, values: readonly unknown[], stop: AbortSignal, settle: Settle): Promise<void> {
    const { client: declared, capacity } = this.#spec;
    const replacement = this.#host.replaced?.get(this.#spec);
    const client =
      replacement === undefined ? await unlessStopped(clientsOf(this.#host).open(declared, what), stop) : undefined;
    const after = this.#host.after ?? afterOnMachine;
    const asking = new Asking({ spec: this.#spec, what, client, replacement, after }, values, settle);
    const abandon = () => asking.abandon();
    stop.addEventListener("abort", abandon);
    try {
      const lanes = Array.from({ length: Math.min(capacity, values.length) }, () => this.#runLane(asking));
      // All of them, so that nothing is left that could reject for nobody.
      for (const lane of await Promise.allSettled(lanes)) if (lane.status === "rejected") throw lane.reason;
      if (stop.aborted) throw new Abandoned("The invocation has ended.");
    } finally {
      stop.removeEventListener("abort", abandon);
    }
  }

  async #runLane(asking: Asking): Promise<void> {
    for (;;) {
      const batch = this.#nextBatch(asking);
      if (batch.length > 0) await this.#call(asking, batch);
      else if (!(await asking.follow())) return;
    }
  }

  /** The next values that nobody knows or asks for; those that somebody does are settled, or will be followed. */
  #nextBatch(asking: Asking): Member[] {
    const { cache: settings, batchMax = 1 } = this.#spec;
    const batch: Member[] = [];
    for (let i = asking.take(); i !== undefined; i = asking.take()) {
      if (settings === undefined || this.#cache === undefined) batch.push({ i, done: undefined });
      else {
        let key: string;
        try {
          key = encodeKey(settings.key(asking.values[i]) as Key);
        } catch (error) {
          asking.settle(i, { kind: "failed", error: error instanceof Error ? error : new Error(String(error)) });
          continue;
        }
        const known = this.#cache.get(key, this.#host.now());
        const underWay = this.#underWay.get(key);
        if (known !== undefined) asking.settle(i, { kind: "answered", answer: known.answer });
        else if (underWay !== undefined) asking.followers.push({ i, outcome: underWay });
        else batch.push(this.#begin(i, key));
      }
      if (batch.length === batchMax) break;
    }
    return batch;
  }

  #begin(i: number, key: string): Member {
    let end: (outcome: Outcome | undefined) => void = () => {};
    this.#underWay.set(
      key,
      new Promise((resolve) => {
        end = resolve;
      }),
    );
    const done = (outcome: Outcome | undefined) => {
      this.#underWay.delete(key);
      if (outcome?.kind === "answered") this.#cache?.set(key, outcome.answer, this.#host.now());
      end(outcome);
    };
    return { i, done };
  }

  async #call(asking: Asking, batch: readonly Member[]): Promise<void> {
    let outcomes: readonly Outcome[] | undefined;
    try {
      outcomes = await asking.call(batch.map(({ i }) => asking.values[i]));
    } finally {
      for (const [j, { i, done }] of batch.entries()) {
        const outcome = outcomes?.[j];
        done?.(outcome);
        if (outcome !== undefined) asking.settle(i, outcome);
      }
    }
  }
}

/** A value that is asked for, by its index; with a cache, also whom to tell. */
type Member = { readonly i: number; readonly done: ((outcome: Outcome | undefined) => void) | undefined };

/** One round of questions of one task. */
class Asking {
  readonly values: readonly unknown[];
  readonly settle: Settle;
  /** Values that somebody else asks for. */
  readonly followers: { readonly i: number; readonly outcome: Promise<Outcome | undefined> }[] = [];
  readonly #setup: CallSetup;
  readonly #underWay = new Set<Call>();
  /** Values that were given back. */
  readonly #again: number[] = [];
  #next = 0;
  #isOver = false;
  readonly #end: Promise<never>;
  #abandon: () => void = () => {};

  constructor(setup: CallSetup, values: readonly unknown[], settle: Settle) {
    this.#setup = setup;
    this.values = values;
    this.settle = settle;
    this.#end = new Promise((_resolve, reject) => {
      this.#abandon = () => reject(new Abandoned("The invocation has ended."));
    });
    this.#end.catch(() => {});
  }

  /** The index of the next value. */
  take(): number | undefined {
    if (this.#isOver) return undefined;
    return this.#again.pop() ?? (this.#next < this.values.length ? this.#next++ : undefined);
  }

  async call(values: readonly unknown[]): Promise<readonly Outcome[]> {
    const call = new Call(this.#setup, values);
    this.#underWay.add(call);
    try {
      return await call.run();
    } finally {
      this.#underWay.delete(call);
    }
  }

  /** Waits for one value that somebody else asks for; false where there is none. Where its call was abandoned we ask ourselves. */
  async follow(): Promise<boolean> {
    const follower = this.followers.pop();
    if (follower === undefined) return false;
    const outcome = await Promise.race([follower.outcome, this.#end]);
    if (outcome === undefined) this.#again.push(follower.i);
    else this.settle(follower.i, outcome);
    return true;
  }

  abandon(): void {
    this.#isOver = true;
    this.#abandon();
    for (const call of this.#underWay) call.abandon();
  }
}

function unlessStopped<T>(promise: Promise<T>, stop: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(new Abandoned("The invocation has ended."));
    if (stop.aborted) giveUp();
    stop.addEventListener("abort", giveUp);
    promise.then(resolve, reject).finally(() => stop.removeEventListener("abort", giveUp));
  });
}

const callers = new WeakMap<Host, Map<AsyncSpec, AsyncCaller>>();

/** The caller of an asynchronous function in a host. */
export function callerOf(host: Host, spec: AsyncSpec): AsyncCaller {
  const own = callers.get(host) ?? new Map<AsyncSpec, AsyncCaller>();
  callers.set(host, own);
  const caller = own.get(spec) ?? new AsyncCaller(host, spec);
  own.set(spec, caller);
  return caller;
}
