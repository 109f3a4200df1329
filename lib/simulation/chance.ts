/** What goes wrong in one run, drawn from its seed, and how often it did. */

import { Draw } from "./draw.ts";
import { FAULT_KINDS, type FaultKind } from "./fault-kinds.ts";

/** A run leaves many kinds out, so that those it has are not hidden behind others. */
const SHARE_OF_KINDS = 0.4;
/** So many runs have no faults at all. */
const CALM_RUNS = 0.03;

export class Chance {
  readonly draw: Draw;
  /** How often each thing happened. */
  readonly counts = new Map<string, number>();
  readonly #rates = new Map<string, number>();
  readonly #tell: (name: string) => void;
  #isOver = false;

  /** @param tell is told of everything that happens, when it does */
  constructor(seed: number, tell: (name: string) => void = () => {}) {
    this.#tell = tell;
    const rates = new Draw(seed, "rates");
    this.draw = new Draw(seed, "chances");
    if (rates.occurs(CALM_RUNS)) return;
    for (const [kind, most] of Object.entries(FAULT_KINDS))
      if (rates.occurs(SHARE_OF_KINDS)) this.#rates.set(kind, rates.magnitude(most / 20, most));
  }

  /** Whether it happens here, `times` as often as elsewhere; each time it does is counted. */
  occurs(kind: FaultKind, times = 1): boolean {
    if (this.#isOver || !this.draw.occurs(times * (this.#rates.get(kind) ?? 0))) return false;
    this.count(`fault: ${kind}`);
    return true;
  }

  count(name: string): void {
    this.#tell(name);
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  /** Whether nothing goes wrong any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** From now on nothing goes wrong any more. */
  end(): void {
    this.#isOver = true;
  }
}
