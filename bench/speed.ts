/** How fast this machine is just now, in what everything else is measured against: the straight loop. */

import { eventTexts } from "./events.ts";
import { measure } from "./measure.ts";
import { WINDOW_MS } from "./operators.ts";
import { countStraight } from "./straight-loop.ts";

const RECORDS = 100_000;
const ROUNDS = 5;

/** Microseconds of CPU per record of the straight loop, 300 keys in batches of 1,000: the median of a few rounds. */
export async function speedNow(progress: (done: number, of: number) => void): Promise<number> {
  const texts = eventTexts("plain-views", 0, RECORDS, 1_000, 300);
  const run = () => {
    const counts = new Map<number, Map<string, number>>();
    for (const text of texts) countStraight(text, WINDOW_MS, counts);
  };
  const [loop] = await measure([{ name: "straight loop", records: RECORDS, run }], ROUNDS, progress);
  return loop?.cpuUs as number;
}
