/** From a kill to the next new result, every result being right: a run of `npm run torture`, which kills processes and servers of a pipeline of four functions. */

import { quantile, type Recovery } from "../../torture/recovery.ts";
import { torture } from "../../torture/torture.ts";
import type { ProgressOf, Row, Section } from "../section.ts";

const RECORDS = 150_000;
const KILLS = 30;
const SEED = 7;

export async function recovery(progressOf: ProgressOf, signal: AbortSignal): Promise<Section> {
  const progress = progressOf("recovery");
  const said: string[] = [];
  const summary = await torture({
    records: RECORDS,
    kills: KILLS,
    seed: SEED,
    line: {
      show({ done, records }) {
        // Whoever shows progress is not who ends the run: it has the signal.
        if (!signal.aborted) progress(Math.min(done, records - 1), records);
      },
      say: (text) => said.push(text),
    },
    signal,
  });
  progress(1, 1);
  if (!summary.verified) throw new Error([...summary.differences, ...said].join("\n"));
  const alone = summary.recoveries.filter(({ isAlone }) => isAlone);
  const ofFunctions = alone.filter(({ kind }) => kind === "function");
  return {
    title: `from a kill to the next new result: ${RECORDS.toLocaleString("en")} records, ${KILLS} kills, all results verified`,
    rows: [
      row("a function's process there again → next result", ofFunctions, ({ fromBackMs }) => fromBackMs, "≤ 1 s"),
      row("SIGKILL of a function's process → next result", ofFunctions, ({ fromBlowMs }) => fromBlowMs),
      row("Kafka answering again → next result", ofKind("kafka", alone), ({ fromBackMs }) => fromBackMs),
      row("DynamoDB answering again → next result", ofKind("dynamodb", alone), ({ fromBackMs }) => fromBackMs),
    ].flat(),
  };
}

function ofKind(wanted: Recovery["kind"], recoveries: readonly Recovery[]): readonly Recovery[] {
  return recoveries.filter(({ kind }) => kind === wanted);
}

/** No row where no blow of the kind fell alone. */
function row(what: string, recoveries: readonly Recovery[], of: (one: Recovery) => number, target?: string): Row[] {
  const times = recoveries.map(of);
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
  if (p50 === undefined || p99 === undefined) return [];
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`;
  return [
    {
      what,
      figure: `p50 ${seconds(p50)}, worst of ${times.length} ${seconds(Math.max(...times))}`,
      value: p50 / 1_000,
      unit: "s",
      ...(target !== undefined && { target }),
    },
  ];
}
