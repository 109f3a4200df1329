/** A process that counts the words: it says when it is ready, begins when it is told to, and ends when it is told to, saying what it took. */

import { once } from "node:events";
import { createInterface } from "node:readline";

export type Side = {
  /** Where to read and write. */
  readonly kafka: string;
  readonly dynamodb: string;
  readonly round: string;
  /** What is fetched of a partition at a time, for a consumer that knows no number of records. */
  readonly batchBytes: number;
};

/** What a side took between the two words. */
export type Taken = { readonly cpuSeconds: number; readonly rssBytes: number };

export function sideOf(args: readonly string[]): Side {
  const [kafka, dynamodb, round, batchBytes] = args as unknown as [string, string, string, string];
  return { kafka, dynamodb, round, batchBytes: Number(batchBytes) };
}

/** Prepares, begins and ends as it is told. */
export async function takePart(prepare: () => Promise<{ begin(): Promise<void>; end(): Promise<void> }>) {
  const told = createInterface({ input: process.stdin });
  const { begin, end } = await prepare();
  process.stdout.write("ready\n");
  await once(told, "line");
  const before = process.cpuUsage();
  await begin();
  await once(told, "line");
  const { user, system } = process.cpuUsage(before);
  const taken: Taken = { cpuSeconds: (user + system) / 1e6, rssBytes: process.resourceUsage().maxRSS * 1_024 };
  await end();
  process.stdout.write(`${JSON.stringify(taken)}\n`);
  process.exit(0);
}
