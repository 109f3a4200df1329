/**
 * The wake-ups that tasks wish for, and which of them are worth a message. Every commit of a task that waits for silence wishes for one a moment
 * later than the commit before; a message that arrives in between wakes the task, which then says afresh when it wants the next.
 */

import { delaySecondsOf, placeOf, type WakeUp } from "./wake-up.ts";

type Wish = { readonly wakeUp: WakeUp | undefined; readonly sequenceNumber: number };

export class Wishes {
  readonly #wished = new Map<string, Wish>();
  /** When the earliest message of each task arrives that this environment has sent. */
  readonly #arrivesAtMs = new Map<string, number>();

  /** As of commit `sequenceNumber` of the task; what an older commit wished is ignored. `atMs` null: nothing. */
  set(place: Omit<WakeUp, "atMs">, atMs: number | null, sequenceNumber: number): void {
    const wakeUp = { ...place, atMs: atMs ?? 0 };
    const name = placeOf(wakeUp);
    if (sequenceNumber < (this.#wished.get(name)?.sequenceNumber ?? 0)) return;
    this.#wished.set(name, { wakeUp: atMs === null ? undefined : wakeUp, sequenceNumber });
  }

  /** What is to be sent now; asked again it answers only with what is new. */
  take(nowMs: number): readonly WakeUp[] {
    const due: WakeUp[] = [];
    for (const [name, { wakeUp, sequenceNumber }] of this.#wished) {
      if (wakeUp === undefined) continue;
      this.#wished.set(name, { wakeUp: undefined, sequenceNumber });
      const underWay = this.#arrivesAtMs.get(name);
      // Delays are whole seconds: a message of now would not be there at the wished time either.
      const wouldArriveAtMs = nowMs + delaySecondsOf(wakeUp, nowMs) * 1_000;
      if (underWay !== undefined && underWay > nowMs && underWay <= wouldArriveAtMs) continue;
      this.#arrivesAtMs.set(name, wouldArriveAtMs);
      due.push(wakeUp);
    }
    return due;
  }

  /** A message came before its time: it goes round again, unless its task wishes for an earlier one. */
  sendOn(wakeUp: WakeUp): void {
    const name = placeOf(wakeUp);
    const { wakeUp: wished, sequenceNumber = 0 } = this.#wished.get(name) ?? {};
    if (wished === undefined || wished.atMs > wakeUp.atMs) this.#wished.set(name, { wakeUp, sequenceNumber });
  }

  /** They are not under way any more, as they arrived or could not be sent: the next wish of these tasks is. */
  forget(wakeUps: readonly WakeUp[]): void {
    for (const wakeUp of wakeUps) this.#arrivesAtMs.delete(placeOf(wakeUp));
  }
}
