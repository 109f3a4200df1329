/** What authors' functions are given beside the element, and what they log and count: kept until the commit that wins publishes it. */

import type { Caller } from "../operators/step.ts";
import type { Ctx } from "../stream/ctx.ts";

export type AuthorLog = {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: object | undefined;
};

/** More lines of a batch are not kept: a loop that logs every element must not take the memory of the function. */
const LOGS_PER_BATCH_MAX = 1_000;

export class AuthorCalls {
  #logs: AuthorLog[] = [];
  #counts: Record<string, number> = {};
  readonly caller: Caller;

  constructor() {
    const write = (level: AuthorLog["level"]) => (message: string, fields?: object) => {
      if (this.#logs.length < LOGS_PER_BATCH_MAX) this.#logs.push({ level, message, fields });
    };
    const ctx: Ctx = {
      timestampMs: 0,
      processingTimeMs: 0,
      log: { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") },
      metrics: {
        count: (name, n = 1) => {
          this.#counts[name] = (this.#counts[name] ?? 0) + n;
        },
      },
    };
    this.caller = { ctx, step: "", reachedState: false, freeze: undefined };
  }

  /** What was logged and counted since the last call. */
  take(): { readonly logs: readonly AuthorLog[]; readonly counts: Readonly<Record<string, number>> } {
    const taken = { logs: this.#logs, counts: this.#counts };
    this.#logs = [];
    this.#counts = {};
    return taken;
  }
}
