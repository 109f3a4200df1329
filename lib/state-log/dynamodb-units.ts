/** Counts what DynamoDB charges, as it reports it with every answer, for the whole log and for each task. */

import type { StoreUnits } from "./state-log.ts";

/** Sizes by which DynamoDB charges, https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html */
export const WRITE_UNIT_BYTES = 1_024;

/** A moment's reading of the counters, all since the log was opened. */
export type DynamoDbUnitCounts = StoreUnits & {
  /** Requests that were answered. */
  readonly calls: number;
  /** Attempts that the SDK made again in silence; what a lost one has cost nobody reports. */
  readonly retries: number;
  /** The part of `write` that refused puts have cost: DynamoDB charges for them but does not say how much, so it is computed from the sizes. */
  readonly refused: number;
};

export class DynamoDbUnits {
  #read = 0;
  #write = 0;
  #refused = 0;
  #calls = 0;
  #retries = 0;
  readonly #byTask = new Map<string, { read: number; write: number }>();

  get counts(): DynamoDbUnitCounts {
    return {
      read: this.#read,
      write: this.#write,
      calls: this.#calls,
      retries: this.#retries,
      refused: this.#refused,
    };
  }

  addCall(attempts: number): void {
    this.#calls += 1;
    this.#retries += attempts - 1;
  }

  addRead(task: string | undefined, units: number): void {
    this.#read += units;
    if (task !== undefined) this.#of(task).read += units;
  }

  addWrite(task: string | undefined, units: number): void {
    this.#write += units;
    if (task !== undefined) this.#of(task).write += units;
  }

  addRefused(task: string | undefined, units: number): void {
    this.#refused += units;
    this.addWrite(task, units);
  }

  /** What a task has cost since it was last asked. */
  take(task: string): StoreUnits {
    const units = this.#byTask.get(task) ?? { read: 0, write: 0 };
    this.#byTask.delete(task);
    return units;
  }

  #of(task: string): { read: number; write: number } {
    let units = this.#byTask.get(task);
    if (units === undefined) {
      units = { read: 0, write: 0 };
      this.#byTask.set(task, units);
    }
    return units;
  }
}
