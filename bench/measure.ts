/** Times several variants in turn (A B C A B C …), so that a slow moment of the machine hits all of them. */

import { setImmediate } from "node:timers/promises";

export type Timing = {
  readonly name: string /** Microseconds per record, of the process's CPU time and of the wall. */;
  readonly cpuUs: number;
  readonly wallUs: number /** Half the distance between the quartiles of the CPU time, relative to the median. */;
  readonly spread: number;
};

export type Variant = {
  readonly name: string;
  readonly records: number;
  /** Makes the input of a round, unmeasured; `round` counts from 0. */
  readonly prepare?: (round: number) => Promise<void> | void;
  readonly run: () => Promise<void> | void;
};

/** Runs before anything is measured: the machine compiles what is hot while it runs. */
const WARM_UP_ROUNDS = 3;

/** Runs every variant a few times to warm up and `rounds` times to measure; medians. */
export async function measure(
  variants: readonly Variant[],
  rounds: number,
  progress: (done: number, of: number) => void,
): Promise<Timing[]> {
  const cpu = variants.map((): number[] => []);
  const wall = variants.map((): number[] => []);
  const total = variants.length * (rounds + WARM_UP_ROUNDS);
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    for (const [i, variant] of variants.entries()) {
      // Or nobody would hear a signal until the end.
      await setImmediate();
      progress((round + WARM_UP_ROUNDS) * variants.length + i, total);
      await variant.prepare?.(round + WARM_UP_ROUNDS);
      // No collection of garbage here: it shrinks the young generation, and who allocates much then pays for growing it again.
      const before = process.cpuUsage();
      const start = process.hrtime.bigint();
      await variant.run();
      const wallNs = Number(process.hrtime.bigint() - start);
      const { user, system } = process.cpuUsage(before);
      if (round < 0) continue;
      cpu[i]?.push((user + system) / variant.records);
      wall[i]?.push(wallNs / 1000 / variant.records);
    }
  }
  progress(total, total);
  return variants.map(({ name }, i) => {
    const sorted = (cpu[i] as number[]).sort((a, b) => a - b);
    return {
      name,
      cpuUs: quantile(sorted, 0.5),
      wallUs: quantile(
        (wall[i] as number[]).sort((a, b) => a - b),
        0.5,
      ),
      spread: (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 2 / quantile(sorted, 0.5),
    };
  });
}

/** The value below which a share `q` of all lies, of values in order. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] as number;
}
