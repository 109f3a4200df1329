/** A thread that simulates seeds: every so many-th of a range, on the production code with or without patches. */

import { parentPort, workerData } from "node:worker_threads";
import { BlockCoverage, type UnrunBlock } from "./block-coverage.ts";
import { type Loaded, load } from "./loaded.ts";
import type { Patch } from "./variants.ts";
import { type Run, simulate } from "./world.ts";

export type SeedsOrder = {
  readonly from: number;
  readonly seeds: number;
  /** This thread takes from + offset, from + offset + stride, … */
  readonly offset: number;
  readonly stride: number;
  readonly patches: readonly Patch[];
  /** Ends at the first seed that is broken. */
  readonly untilBroken: boolean;
  /** Counts the blocks of the protocol that are run, which makes everything a little slower. */
  readonly countsBlocks: boolean;
};

/** What has been simulated since the last news. */
export type SeedsNews = {
  readonly done: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly broken: readonly Pick<Run, "seed" | "program" | "broken">[];
  /** With the last news of a thread that counts blocks: those of the protocol that it has not run. */
  readonly unrun?: readonly UnrunBlock[];
};

const NEWS_MS = 500;

/** A version that is deployed in the middle of a run: what it writes is of a layout that the present one does not know. */
export const NEXT_VERSION: readonly Patch[] = [
  { file: "state-log/state-log.ts", find: "LAYOUT = 2", replace: "LAYOUT = 3" },
];

/** The present version and the next, both with the same patches. */
export async function loadVersions(name: string, patches: readonly Patch[]): Promise<readonly [Loaded, Loaded]> {
  return [await load(name, patches), await load(`${name}-next`, [...NEXT_VERSION, ...patches])];
}

async function work(order: SeedsOrder): Promise<void> {
  const { from, seeds, offset, stride, patches, untilBroken, countsBlocks } = order;
  const coverage = countsBlocks ? new BlockCoverage() : undefined;
  await coverage?.start();
  const versions = await loadVersions("present", patches);
  let news = { done: 0, counts: new Map<string, number>(), broken: [] as SeedsNews["broken"][number][] };
  let toldAtMs = performance.now();
  const tell = () => {
    parentPort?.postMessage(news satisfies SeedsNews);
    news = { done: 0, counts: new Map(), broken: [] };
    toldAtMs = performance.now();
  };
  const frames = Error.stackTraceLimit;
  for (let i = offset; i < seeds; i += stride) {
    // Most errors are faults that somebody catches, and nobody reads where they came from.
    Error.stackTraceLimit = 0;
    let run = await simulate(versions, from + i);
    if (run.broken.length > 0) {
      Error.stackTraceLimit = frames;
      run = await simulate(versions, from + i);
    }
    const { seed, program, broken, counts } = run;
    news.done += 1;
    for (const [name, n] of counts) news.counts.set(name, (news.counts.get(name) ?? 0) + n);
    if (broken.length > 0) news.broken.push({ seed, program, broken });
    if (untilBroken && broken.length > 0) break;
    if (performance.now() - toldAtMs > NEWS_MS) tell();
  }
  if (coverage !== undefined) parentPort?.postMessage({ ...news, unrun: await coverage.unrun("present") });
  else tell();
}

if (parentPort !== null) await work(workerData as SeedsOrder);
