/** What a Node process of the comparison says and hears, as the sides in Java do (java/Side.java). */

import { once } from "node:events";
import { createInterface } from "node:readline";
import { cpuSecondsOf, peakBytesOf } from "./process-use.ts";

/** What a side took from its first record to its last result. */
export type Taken = {
  readonly cpuSeconds: number;
  /** Of these, what came after the middle of the input, when what is hot has been compiled. */
  readonly warmCpuSeconds: number;
  /** The record at which that begins. */
  readonly warmFromRecord: number;
  readonly rssBytes: number;
};

/** Counts the processor time of processes by the records that were read. */
export class Meter {
  readonly #pids: readonly number[];
  readonly #half: number;
  #read = 0;
  #first = 0;
  #middle: { readonly seconds: number; readonly record: number } | undefined;

  constructor(pids: readonly number[], records: number) {
    this.#pids = pids;
    this.#half = records / 2;
  }

  /** Before the first record is read. */
  begin(): void {
    this.#first = this.#cpuSeconds();
  }

  read(records: number): void {
    this.#read += records;
    if (this.#read >= this.#half) this.#middle ??= { seconds: this.#cpuSeconds(), record: this.#read };
  }

  take(): Taken {
    const now = this.#cpuSeconds();
    return {
      cpuSeconds: now - this.#first,
      warmCpuSeconds: now - (this.#middle?.seconds ?? now),
      warmFromRecord: this.#middle?.record ?? 0,
      rssBytes: this.#pids.reduce((sum, pid) => sum + peakBytesOf(pid), 0),
    };
  }

  #cpuSeconds(): number {
    return this.#pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  }
}

/** Begins and ends as it is told; `begin` is to return what stops it. */
export async function takePart(meter: Meter, begin: () => Promise<() => Promise<void>>): Promise<void> {
  const told = createInterface({ input: process.stdin });
  // Whoever started this is gone.
  told.once("close", () => process.exit(1));
  process.stdout.write("ready\n");
  await once(told, "line");
  meter.begin();
  const stop = await begin();
  await once(told, "line");
  const taken = meter.take();
  await stop();
  process.stdout.write(`${JSON.stringify(taken)}\n`);
  process.exit(0);
}
