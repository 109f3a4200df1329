/** Jobs whose work throws until it is repaired, for tests of dead letters and what becomes of them. */

import { boundedOutOfOrderness, json, milliseconds, monotonic, text, topic } from "millrace";

export type Job = { readonly name: string; readonly n: number };

export const jobs = topic("jobs", { value: json<Job>(), watermark: boundedOutOfOrderness(milliseconds(1_000)) });
export const keyed = topic("keyed", { key: text(), value: json<Job>(), watermark: monotonic() });
export const plain = topic("plain", { value: json<Job>(), watermark: monotonic() });
export const out = topic("out", { value: text() });

let broken: ReadonlySet<string> = new Set();

export function isBroken(name: string): boolean {
  return broken.has(name);
}

/** From now on these are broken, and no others. */
export function breakJobs(...names: readonly string[]): void {
  broken = new Set(names);
}

export function repair(): void {
  breakJobs();
}

/** The step that throws. */
export function work(job: Job): Job {
  if (isBroken(job.name)) throw new Error(`${job.name} is broken`);
  return job;
}
