/**
 * The answers of a task's questions between two commits. Where a batch is processed again, because a unit of it failed, because strict mode compares, or because
 * its commit did not go through, the answers it had are used again: the same question of the same unit, as long as it is the same. What failed is asked for
 * again with the next delivery.
 */

import { isDeepStrictEqual } from "node:util";
import type { Waiting } from "../operators/step.ts";
import { MillraceError } from "../stream/error.ts";
import type { RankedOutcome, Round } from "./asking.ts";
import { callerOf } from "./async-caller.ts";
import { Abandoned } from "./attempts.ts";
import { afterOnMachine } from "./clients.ts";
import type { Host } from "./host.ts";

/** What is left of an invocation's time for the commit: this much, or a fifth of what there was if that is less. */
const COMMIT_MS = 2_000;

/** An answer, with the value that was asked for. */
type Known = RankedOutcome & { readonly value: unknown };

export class Answers {
  readonly #host: Host;
  readonly #known = new Map<string, Known>();
  #rank = 0;

  constructor(host: Host) {
    this.#host = host;
  }

  /** The outcomes of a round's questions, of which those that were answered before are not asked again. Throws where there is no time for the others. */
  async of({ asks, waiting }: Round, remainingMs: (() => number) | undefined): Promise<readonly RankedOutcome[]> {
    const names = waiting.map((element) => nameOf(asks.index, element));
    const outcomes = waiting.map(({ value }, i) => {
      const known = this.#known.get(names[i] as string);
      return known !== undefined && isDeepStrictEqual(known.value, value) ? known : undefined;
    });
    const open = outcomes.flatMap((outcome, i) => (outcome === undefined ? [i] : []));
    if (open.length === 0) return outcomes as RankedOutcome[];
    const values = open.map((i) => (waiting[i] as Waiting).value);
    const stop = new AbortController();
    const leftMs = remainingMs?.();
    const cancel =
      leftMs === undefined
        ? undefined
        : (this.#host.after ?? afterOnMachine)(leftMs - Math.min(COMMIT_MS, leftMs / 5), () => stop.abort());
    try {
      await callerOf(this.#host, asks.spec).ask(asks.what, values, stop.signal, (j, outcome) => {
        const i = open[j] as number;
        const known = { outcome, rank: this.#rank++, value: values[j] };
        outcomes[i] = known;
        this.#known.set(names[i] as string, known);
      });
    } catch (error) {
      if (!(error instanceof Abandoned)) throw error;
      const missing = outcomes.filter((outcome) => outcome === undefined).length;
      throw new MillraceError(
        "timeout",
        `${asks.what} still waited for ${missing} of ${waiting.length} answers when the invocation's time was nearly over. The batch will be delivered again, and this environment keeps the answers it has; make batches smaller, or give the function more time.`,
      );
    } finally {
      cancel?.();
    }
    return outcomes as RankedOutcome[];
  }

  /** A batch begins, perhaps again: what failed then is asked for anew. */
  begin(): void {
    for (const [name, { outcome }] of this.#known) if (outcome.kind === "failed") this.#known.delete(name);
  }

  /** They were committed. */
  clear(): void {
    this.#known.clear();
  }
}

function nameOf(step: number, { scope, ordinal }: Waiting): string {
  return `${step} ${typeof scope.id} ${scope.id} ${ordinal}`;
}
