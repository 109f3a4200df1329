/**
 * One call of an author's asynchronous function, with its attempts and its limits of time. It always ends in time, whatever the function does: it is told by a
 * signal, and not waited for. What it answers later is nobody's concern.
 */

import type { AsyncSpec } from "../stream/async-function.ts";
import { MillraceError } from "../stream/error.ts";
import type { Outcome } from "./asking.ts";
import type { Host } from "./host.ts";

export type CallSetup = {
  readonly spec: AsyncSpec;
  /** What messages call the step. */
  readonly what: string;
  readonly client: unknown;
  /** Called instead of the author's function, with one value. */
  readonly replacement: ((value: unknown, call: unknown) => unknown) | undefined;
  readonly after: NonNullable<Host["after"]>;
};

/** What an attempt gave: a result for each value, or what it threw. */
type Result = { readonly answers: readonly unknown[] } | { readonly error: unknown };

/** Thrown into what is under way when its invocation ends. */
export class Abandoned extends Error {}

/** Asks for `values` in one call, and again for those that failed, as long as attempts and time allow. */
export class Call {
  readonly #setup: CallSetup;
  readonly #values: readonly unknown[];
  readonly #outcomes: (Outcome | undefined)[];
  /** Ends what is being waited for. */
  #cut: (error: Error) => void = () => {};
  #over: Error | undefined;
  #attempt = 0;

  constructor(setup: CallSetup, values: readonly unknown[]) {
    this.#setup = setup;
    this.#values = values;
    this.#outcomes = values.map(() => undefined);
  }

  /** Never rejects, unless it was abandoned. */
  async run(): Promise<readonly Outcome[]> {
    const { spec, after } = this.#setup;
    const cancel = after(spec.timeoutMs, () => this.#end(noAnswer(spec.timeoutMs)));
    try {
      let pending = this.#values.map((_, i) => i);
      let pauseMs = spec.backoff.initialMs;
      for (;;) {
        this.#attempt++;
        const result = await this.#try(pending.map((i) => this.#values[i]));
        if (this.#over instanceof Abandoned) throw this.#over;
        pending = this.#settle(pending, result);
        if (pending.length === 0) return this.#outcomes as Outcome[];
        await this.#pause(Math.min(pauseMs, spec.backoff.maxMs));
        pauseMs *= spec.backoff.multiplier;
        if (this.#over instanceof Abandoned) throw this.#over;
        if (this.#over !== undefined) {
          for (const i of pending) this.#outcomes[i] = this.#failure(this.#over);
          return this.#outcomes as Outcome[];
        }
      }
    } finally {
      cancel();
    }
  }

  /** Gives the call up: `run` rejects. */
  abandon(): void {
    this.#end(new Abandoned("The invocation has ended."));
  }

  #end(error: Error): void {
    this.#over ??= error;
    this.#cut(error);
  }

  /** Keeps what is final; returns those that are worth another attempt. */
  #settle(pending: readonly number[], result: Result): number[] {
    const again: number[] = [];
    for (const [j, i] of pending.entries()) {
      const isError =
        "error" in result || (this.#setup.spec.batchMax !== undefined && result.answers[j] instanceof Error);
      const answer = "error" in result ? result.error : result.answers[j];
      if (!isError) this.#outcomes[i] = { kind: "answered", answer };
      else if (this.#isWorthAnother(answer)) again.push(i);
      else this.#outcomes[i] = this.#failure(answer);
    }
    return again;
  }

  #isWorthAnother(error: unknown): boolean {
    const { attemptsMax, retryIf } = this.#setup.spec;
    if (this.#over !== undefined || this.#attempt >= attemptsMax || error instanceof BrokenPromise) return false;
    try {
      return retryIf === undefined || retryIf(error) === true;
    } catch {
      // The error that was to be judged says more.
      return false;
    }
  }

  #failure(cause: unknown): Outcome {
    const attempts = this.#attempt === 1 ? "1 attempt" : `${this.#attempt} attempts`;
    const message = `${this.#setup.what} failed after ${attempts}: ${messageOf(cause)}`;
    return { kind: "failed", error: new MillraceError("author", message, { cause }) };
  }

  #try(values: readonly unknown[]): Promise<Result> {
    const { spec, client, replacement, after } = this.#setup;
    return new Promise((resolve) => {
      let controller: AbortController | undefined;
      let cancel = () => {};
      const settle = (result: Result) => {
        cancel();
        this.#cut = () => {};
        resolve(result);
      };
      this.#cut = (error) => {
        settle({ error });
        controller?.abort(error);
      };
      if (spec.attemptMs < spec.timeoutMs) cancel = after(spec.attemptMs, () => this.#cut(noAnswer(spec.attemptMs)));
      const call = {
        client,
        attempt: this.#attempt,
        // Made for those who ask for it: it is dearer than the rest of a call.
        get signal() {
          controller ??= new AbortController();
          return controller.signal;
        },
      };
      const answers =
        replacement !== undefined
          ? Promise.all(values.map(async (value) => replacement(value, call)))
          : spec.batchMax === undefined
            ? askOne(spec, values[0], call)
            : askMany(spec, values, call);
      answers.then(
        (given) => settle({ answers: given }),
        (error: unknown) => settle({ error }),
      );
    });
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#setup.after(ms, () => {
        this.#cut = () => {};
        resolve();
      });
      this.#cut = () => {
        cancel();
        resolve();
      };
    });
  }
}

async function askOne({ call: fn }: AsyncSpec, value: unknown, call: object): Promise<readonly unknown[]> {
  return [await fn(value, call)];
}

async function askMany({ call: fn }: AsyncSpec, values: readonly unknown[], call: object): Promise<readonly unknown[]> {
  const answers: unknown = await fn(values, call);
  if (Array.isArray(answers) && answers.length === values.length) return answers;
  const given = Array.isArray(answers) ? `${answers.length} results` : "no array";
  throw new BrokenPromise(`callBatch gave ${given} for ${values.length} values`);
}

/** A function that does not keep to what it promised will not do so the next time. */
class BrokenPromise extends Error {}

function noAnswer(ms: number): Error {
  return new Error(`no answer within ${ms} ms`);
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isPlain = error.name === "Error" || error instanceof MillraceError;
  return isPlain ? error.message : `${error.name}: ${error.message}`;
}
