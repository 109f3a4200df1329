/** Simulates seeds on several threads. */

import { Worker } from "node:worker_threads";
import type { SeedsNews, SeedsOrder } from "../../lib/simulation/seeds-worker.ts";

export type SeedsResult = {
  done: number;
  /** By seed. */
  broken: SeedsNews["broken"][number][];
  readonly counts: Map<string, number>;
  /** Blocks that no thread has run; undefined: none has told yet. */
  unrun: SeedsNews["unrun"] | undefined;
};

const WORKER = new URL("../../lib/simulation/seeds-worker.ts", import.meta.url);

export type SeedsRange = Pick<SeedsOrder, "from" | "seeds" | "patches" | "untilBroken" | "countsBlocks">;

export function emptyResult(): SeedsResult {
  return { done: 0, broken: [], counts: new Map(), unrun: undefined };
}

/** Runs the seeds, adding to `result`; `onNews` is told of it as it grows. */
export async function runSeeds(
  range: SeedsRange,
  workers: number,
  result = emptyResult(),
  onNews: (result: SeedsResult) => void = () => {},
): Promise<SeedsResult> {
  await Promise.all(
    Array.from({ length: workers }, (_, offset) => {
      return runWorker({ ...range, offset, stride: workers }, (news) => {
        result.done += news.done;
        result.broken = [...result.broken, ...news.broken].sort((a, b) => a.seed - b.seed);
        for (const [name, n] of news.counts) result.counts.set(name, (result.counts.get(name) ?? 0) + n);
        if (news.unrun !== undefined) result.unrun = inBoth(result.unrun, news.unrun);
        onNews(result);
      });
    }),
  );
  return result;
}

function runWorker(order: SeedsOrder, onNews: (news: SeedsNews) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORKER, { workerData: order });
    worker.on("message", onNews);
    worker.on("error", reject);
    worker.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`A thread ended with code ${code}.`))));
  });
}

type Blocks = NonNullable<SeedsNews["unrun"]>;

function inBoth(some: Blocks | undefined, others: Blocks): Blocks {
  if (some === undefined) return others;
  const nameOf = ({ file, line, text }: Blocks[number]) => `${file}:${line} ${text}`;
  const names = new Set(others.map(nameOf));
  return some.filter((block) => names.has(nameOf(block)));
}
