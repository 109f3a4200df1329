/** What a run of many seeds has shown, for people; and what it has not. */

import { FAULT_KINDS } from "../../lib/simulation/fault-kinds.ts";
import type { UnreachedBlock } from "../../lib/simulation/not-reached.ts";
import type { SeedsResult } from "./run-seeds.ts";

const CRASHES = ["crash-before", "crash-during", "crash-after"];
const BROKEN_SHOWN_MAX = 10;
/** A call that was made less often is not asked to have crashed at each of its points. */
const CALLS_MIN = 200;

/** Blocks that were never run although a run can reach them. */
export function unrunOf(
  { unrun = [] }: Pick<SeedsResult, "unrun">,
  known: readonly UnreachedBlock[],
): NonNullable<SeedsResult["unrun"]> {
  return unrun.filter(({ file, text }) => !known.some((one) => one.file === file && text.startsWith(one.text)));
}

/** What should have happened in so many runs, and did not. `known`: blocks that no run can reach, each with a reason. */
export function gapsOf({ counts, unrun }: SeedsResult, known: readonly UnreachedBlock[]): string[] {
  const has = (name: string) => (counts.get(name) ?? 0) > 0;
  const faults = Object.keys(FAULT_KINDS).filter((kind) => !has(`fault: ${kind}`));
  const calls = [...counts]
    .filter(([name, n]) => name.startsWith("call: ") && n >= CALLS_MIN)
    .map(([name]) => name.slice(6));
  const crashes = calls.flatMap((call) =>
    CRASHES.filter((crash) => !has(`${crash}: ${call}`)).map((crash) => `${crash} of ${call} never happened`),
  );
  const blocks = unrunOf({ unrun }, known).map(({ file, line, text }) => `lib/${file}:${line} was never run: ${text}`);
  return [...faults.map((kind) => `the fault ${kind} never happened`), ...crashes, ...blocks];
}

export function describeSeeds(
  { done, broken, counts, unrun }: SeedsResult,
  gaps: readonly string[],
  seconds: number,
): string[] {
  const of = (prefix: string) =>
    [...counts].filter(([name]) => name.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
  const sum = (prefix: string) => of(prefix).reduce((total, [, n]) => total + n, 0);
  const lines = [
    `${done} seeds in ${seconds} s: ${counts.get("invocations") ?? 0} invocations, ${sum("call: ")} calls of servers, ${sum("fault: ")} faults.`,
    "",
    ...table("Faults", of("fault: ")),
    ...table("Damages and events", [...of("damage: "), ...of("event: ")]),
    ...table("Failed invocations", of("failed: ")),
    "Crashes of each call (before it is sent, under way, when it is done)",
    ...of("call: ").map(([name, n]) => {
      const call = name.slice(6);
      const crashes = CRASHES.map((crash) => String(counts.get(`${crash}: ${call}`) ?? 0).padStart(6)).join("");
      return `  ${call.padEnd(34)}${String(n).padStart(10)} calls${crashes}`;
    }),
    "",
    ...(unrun === undefined || unrun.length === 0
      ? []
      : [
          `Blocks of the protocol's files never run: ${unrun.length}, of which ${gaps.length === 0 ? "all" : "some"} are known to be out of reach.`,
          "",
        ]),
    ...gaps.map((gap) => `GAP: ${gap}`),
    ...broken
      .slice(0, BROKEN_SHOWN_MAX)
      .flatMap(({ seed, program, broken: sentences }) => [
        `BROKEN: seed ${seed}, ${program}`,
        ...sentences.map((sentence) => `  ${sentence}`),
        `  again: npm run simulate -- --seeds 1 --from ${seed} --trace`,
      ]),
  ];
  if (broken.length > BROKEN_SHOWN_MAX) lines.push(`… and ${broken.length - BROKEN_SHOWN_MAX} more seeds.`);
  lines.push(broken.length === 0 ? "Nothing lost, nothing twice." : `${broken.length} seeds are broken.`);
  return lines;
}

function table(title: string, rows: readonly (readonly [string, number])[]): string[] {
  if (rows.length === 0) return [];
  return [
    title,
    ...rows.map(([name, n]) => `  ${name.replace(/^[a-z]+: /, "").padEnd(44)}${String(n).padStart(10)}`),
    "",
  ];
}
