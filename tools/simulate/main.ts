/** `npm run simulate`: the production code on simulated servers, as many seeds as one likes. */

import { NOT_REACHED } from "../../lib/simulation/not-reached.ts";
import { loadVersions } from "../../lib/simulation/seeds-worker.ts";
import { simulate } from "../../lib/simulation/world.ts";
import { parseArguments, type SimulateArguments } from "./arguments.ts";
import { checkGuards, type GuardCheck } from "./check-guards.ts";
import { describeSeeds, gapsOf, unrunOf } from "./describe.ts";
import { Progress } from "./progress.ts";
import { emptyResult, runSeeds } from "./run-seeds.ts";

/** A run of fewer seeds is not asked what it has covered. */
const COVERAGE_SEEDS_MIN = 5_000;

// Whoever read the output has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
const say = (text: string) => void process.stdout.write(`${text}\n`);

const args = parseArguments(process.argv.slice(2));
process.exitCode = await (args.trace
  ? traceOne(args)
  : args.guards || args.guard !== undefined
    ? guards(args)
    : seeds(args));

async function seeds({ from, seeds: count, workers, json }: SimulateArguments): Promise<number> {
  const progress = new Progress(count, json);
  const result = emptyResult();
  const isCovered = count < COVERAGE_SEEDS_MIN;
  // To count blocks makes everything slower, so it ends when all have been run.
  for (let next = from, countsBlocks = !isCovered; next < from + count; ) {
    const seeds = countsBlocks ? Math.min(COVERAGE_SEEDS_MIN, from + count - next) : from + count - next;
    const range = { from: next, seeds, patches: [], untilBroken: false, countsBlocks };
    await runSeeds(range, workers, result, ({ done, broken }) => progress.show(done, broken.length));
    next += seeds;
    countsBlocks &&= unrunOf(result, NOT_REACHED).length > 0;
  }
  const seconds = progress.end();
  const gaps = isCovered ? [] : gapsOf(result, NOT_REACHED);
  const isRight = result.broken.length === 0 && gaps.length === 0;
  if (json) {
    const { done, broken, counts } = result;
    say(
      JSON.stringify({
        isRight,
        seeds: done,
        from,
        seconds,
        broken,
        gaps,
        counts: Object.fromEntries([...counts].sort()),
      }),
    );
  } else for (const line of describeSeeds(result, gaps, seconds)) say(line);
  return isRight ? 0 : 1;
}

async function guards({ from, seeds: count, workers, guard, json }: SimulateArguments): Promise<number> {
  const toLine = ({ guard: { name, invariant, without }, seeds: needed, noticed }: GuardCheck) =>
    needed === undefined
      ? `NOT NOTICED in ${count} seeds: ${name} (${invariant}). Without it ${without}.`
      : `${String(needed).padStart(6)} seeds  ${name} (${invariant}): ${noticed?.split("\n")[0]?.slice(0, 120)}`;
  const checks = await checkGuards({ from, seeds: count, workers, only: guard }, (check) => {
    if (!json) say(toLine(check));
  });
  const missed = checks.filter(({ seeds: needed }) => needed === undefined);
  if (json)
    say(
      JSON.stringify(
        checks.map(({ guard: { name, invariant }, seeds: needed, noticed }) => ({
          name,
          invariant,
          seeds: needed,
          noticed,
        })),
      ),
    );
  else say(`${checks.length - missed.length} of ${checks.length} guards were noticed to be missing.`);
  return missed.length === 0 ? 0 : 1;
}

async function traceOne({ from }: SimulateArguments): Promise<number> {
  const { program, broken } = await simulate(await loadVersions("present", []), from, say);
  say(`\nSeed ${from}, ${program}: ${broken.length === 0 ? "all is right" : broken.join("\n")}`);
  return broken.length === 0 ? 0 : 1;
}
