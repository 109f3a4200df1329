/** The same benchmarks at another commit, in turn with those here (A B A B …): what a change did, whatever the machine does meanwhile. */

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { quantile } from "./measure.ts";
import type { Section } from "./section.ts";

export type AgainstOptions = {
  readonly commit: string;
  /** Arguments of both, as `--only count`. */
  readonly args: readonly string[];
  readonly rounds: number;
  readonly progress: (done: number, of: number) => void;
  readonly signal: AbortSignal;
};

export type SideBySide = {
  readonly title: string;
  readonly what: string;
  readonly unit: string;
  /** Medians of the rounds. */
  readonly there: number;
  readonly here: number;
  /** here ÷ there of each round, in order of size. */
  readonly ratios: readonly number[];
};

const here = resolve(import.meta.dirname, "..");
const git = (...words: string[]) => execFileSync("git", ["-C", here, ...words], { stdio: ["ignore", "pipe", "pipe"] });

/** Whether git has it. */
export function hasCommit(commit: string): boolean {
  try {
    git("rev-parse", "--verify", "--quiet", `${commit}^{commit}`);
    return true;
  } catch {
    return false;
  }
}

/** Checks the commit out beside the repository and runs both as processes of their own. @throws where a run fails. */
export async function runAgainst({ commit, args, rounds, progress, signal }: AgainstOptions): Promise<SideBySide[]> {
  const there = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const git = (...words: string[]) =>
    execFileSync("git", ["-C", here, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  git("worktree", "add", "--quiet", "--force", "--detach", there, commit);
  const leave = () => {
    process.removeListener("exit", leave);
    rmSync(join(there, "node_modules"), { force: true });
    git("worktree", "remove", "--force", there);
  };
  process.once("exit", leave);
  try {
    // The packages of here: where the lockfile differs, so may the figures.
    symlinkSync(join(here, "node_modules"), join(there, "node_modules"));
    const results: { there: Section[]; here: Section[] }[] = [];
    for (let round = 0; round < rounds; round++) {
      progress(2 * round, 2 * rounds);
      const before = await runIn(there, args, signal);
      progress(2 * round + 1, 2 * rounds);
      results.push({ there: before, here: await runIn(here, args, signal) });
    }
    progress(2 * rounds, 2 * rounds);
    return pair(results);
  } finally {
    leave();
  }
}

/** Rows that both have in every round. */
export function pair(results: readonly { there: readonly Section[]; here: readonly Section[] }[]): SideBySide[] {
  const valueIn = (sections: readonly Section[], title: string, what: string) =>
    sections.find((section) => section.title === title)?.rows.find((row) => row.what === what)?.value;
  return (results[0]?.here ?? []).flatMap(({ title, rows }) =>
    rows.flatMap(({ what, unit }) => {
      const pairs = results.map(
        ({ there, here }) => [valueIn(there, title, what), valueIn(here, title, what)] as const,
      );
      const isWhole = (values: (typeof pairs)[number]): values is readonly [number, number] =>
        values[0] !== undefined && values[1] !== undefined;
      if (!pairs.every(isWhole)) return [];
      const median = (values: readonly number[]) =>
        quantile(
          [...values].sort((a, b) => a - b),
          0.5,
        );
      return {
        title,
        what,
        unit,
        there: median(pairs.map(([value]) => value)),
        here: median(pairs.map(([, value]) => value)),
        ratios: pairs.map(([before, now]) => now / before).sort((a, b) => a - b),
      };
    }),
  );
}

function runIn(folder: string, args: readonly string[], signal: AbortSignal): Promise<Section[]> {
  const flags = ["--conditions=millrace-source", "--no-warnings", join(folder, "bench/main.ts")];
  const child = spawn(process.execPath, [...flags, ...args, "--json"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const stop = () => child.kill("SIGINT");
  signal.addEventListener("abort", stop);
  // Told twice it ends at once, and what it started with it.
  process.once("exit", stop);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((fulfil, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      signal.removeEventListener("abort", stop);
      process.removeListener("exit", stop);
      if (signal.aborted) reject(signal.reason);
      else if (code !== 0) reject(new Error(`The benchmarks in ${folder} ended with code ${code}.`));
      else fulfil((JSON.parse(Buffer.concat(chunks).toString()) as { sections: Section[] }).sections);
    });
  });
}
