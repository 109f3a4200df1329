/** Counts the requests to S3 that are charged, for the whole store and for each task. */

import type { BlobRequests } from "./blob-store.ts";

const NONE: BlobRequests = { put: 0, get: 0, list: 0 };

/** A moment's reading of the counters, all since the store was opened. */
export type S3RequestCounts = BlobRequests & {
  /** Attempts that the SDK made again in silence; a server that was too busy charges nothing for them. */
  readonly retries: number;
};

export class S3Requests {
  #all: S3RequestCounts = { ...NONE, retries: 0 };
  readonly #byTask = new Map<string, BlobRequests>();

  get counts(): S3RequestCounts {
    return this.#all;
  }

  add(task: string | undefined, kind: keyof BlobRequests): void {
    this.#all = { ...this.#all, [kind]: this.#all[kind] + 1 };
    if (task === undefined) return;
    const before = this.#byTask.get(task) ?? NONE;
    this.#byTask.set(task, { ...before, [kind]: before[kind] + 1 });
  }

  addRetries(retries: number): void {
    this.#all = { ...this.#all, retries: this.#all.retries + retries };
  }

  /** What was asked for a task since it was last asked. */
  take(task: string): BlobRequests {
    const requests = this.#byTask.get(task) ?? NONE;
    this.#byTask.delete(task);
    return requests;
  }
}
