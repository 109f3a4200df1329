/** Switches off one guard after the other, and sees after how many seeds the simulation notices. */

import type { Guard } from "../../lib/simulation/guard.ts";
import { GUARDS } from "../../lib/simulation/guards.ts";
import { runSeeds } from "./run-seeds.ts";

export type GuardCheck = {
  readonly guard: Guard;
  /** Seeds until it was noticed; undefined: it was not. */
  readonly seeds: number | undefined;
  /** What was noticed first. */
  readonly noticed: string | undefined;
};

/** Checks the guards whose name contains `only` and that are not redundant. `onChecked` is told of each. */
export async function checkGuards(
  { from, seeds, workers, only = "" }: { from: number; seeds: number; workers: number; only?: string | undefined },
  onChecked: (check: GuardCheck) => void,
): Promise<readonly GuardCheck[]> {
  const waiting = GUARDS.filter(({ name, redundant }) => redundant === undefined && name.includes(only));
  const checks: GuardCheck[] = [];
  const work = async () => {
    for (let guard = waiting.shift(); guard !== undefined; guard = waiting.shift()) {
      const range = { from, seeds, patches: guard.patches, untilBroken: true, countsBlocks: false };
      const { done, broken } = await runSeeds(range, 1);
      const check = { guard, seeds: broken.length === 0 ? undefined : done, noticed: broken[0]?.broken[0] };
      checks.push(check);
      onChecked(check);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return checks;
}
