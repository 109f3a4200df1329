/** The function behind a shuffle, measured alone, over page views of 10,000 users in batches of 1,000. */

import type { Operator } from "../lib/runtime/operator-handler.ts";
import { newEngine } from "./engine.ts";
import { eventTexts } from "./events.ts";
import type { Variant } from "./measure.ts";

const RECORDS = 100_000;
const BATCH = 1_000;
const KEYS = 10_000;

/** Its bundles come from another environment, unmeasured. `isKeyed`: the views are those of `keyed-views`, with users as keys. */
export async function behindShuffle(name: string, operator: Operator, isKeyed = false): Promise<Variant> {
  const topic = isKeyed ? "keyed-views" : "plain-views";
  const sender = await newEngine(operator);
  const engine = await newEngine(operator);
  let texts: string[] = [];
  return {
    name,
    records: RECORDS,
    async prepare(round) {
      for (const text of eventTexts(topic, round * RECORDS, RECORDS, BATCH, KEYS, isKeyed)) await sender.invoke(text);
      texts = await sender.newEvents(`${operator.operatorName}--by-key`);
    },
    async run() {
      for (const text of texts) await engine.invoke(text);
    },
  };
}
