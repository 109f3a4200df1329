/** What the queries of Nexmark cost: all functions of each, from the topic to the results, beside plain code that reads the same events and computes the same. */

import type { KafkaEvent } from "../../lib/wire/lambda-event.ts";
import { newEngine } from "../engine.ts";
import { toEvent } from "../events.ts";
import { measure, type Timing, type Variant } from "../measure.ts";
import type { ProgressOf, Row, Section } from "../section.ts";
import type { NexmarkEvent } from "./event.ts";
import { nexmarkEvents } from "./generate.ts";
import { QUERIES, type Query } from "./queries.ts";

/** Five seconds of event time. */
const RECORDS = 50_000;
const BATCH = 10_000;
const ROUNDS = 5;

/** Of those that end in topics; writing files is not what is measured. */
const MEASURED = QUERIES.filter(({ results }) => results.kind === "topic");

/** Those of the queries whose names are given, each by itself: the state of one must not be in the way of the next. */
export async function nexmark(progressOf: ProgressOf, names = MEASURED.map(({ name }) => name)): Promise<Section> {
  const rows: Row[] = [];
  for (const query of MEASURED.filter(({ name }) => names.includes(name))) {
    const progress = progressOf(`${query.name}, ${query.title}`);
    const [ours, plain] = (await measure(await sidesOf(query), ROUNDS, progress)) as [Timing, Timing];
    rows.push(toRow(query, ours, plain));
  }
  return {
    title: `Nexmark, batches of ${BATCH.toLocaleString("en")}, topic to results, against plain code`,
    rows,
  };
}

function toRow({ name, title }: Query, { cpuUs, spread }: Timing, plain: Timing): Row {
  const perSecond = Math.round(1_000 / cpuUs);
  return {
    what: `${name}, ${title}`,
    figure: `${cpuUs.toFixed(2)} µs CPU an event ± ${(spread * 100).toFixed(0)} %, ${perSecond.toLocaleString("en")},000 a CPU second; plain ${plain.cpuUs.toFixed(2)} µs`,
    value: cpuUs,
    unit: "µs CPU per event",
    ratio: plain.cpuUs / cpuUs,
  };
}

/** The engine and plain code, in turn over the same events. */
async function sidesOf(query: Query): Promise<readonly Variant[]> {
  const engine = await newEngine(query.operator, 1);
  let texts: string[] = [];
  return [
    {
      name: "engine",
      records: RECORDS,
      async prepare(round) {
        await engine.forgetTopics();
        texts = eventTexts(round * RECORDS);
      },
      async run() {
        for (const text of texts) await engine.invoke(text);
        for (const shuffle of engine.shuffles)
          for (const text of await engine.newEvents(shuffle)) await engine.invoke(text);
      },
    },
    {
      name: "plain",
      records: RECORDS,
      run() {
        const events = texts.flatMap(readStraight);
        kept.rows += query.reference(events, () => 0).map((row) => JSON.stringify(row)).length;
      },
    },
  ];
}

/** Keeps what plain code made alive, so that no work is left out. */
const kept = { rows: 0 };

function readStraight(text: string): NexmarkEvent[] {
  const event = JSON.parse(text) as KafkaEvent;
  return Object.values(event.records).flatMap((records) =>
    records.map(({ value }) => JSON.parse(Buffer.from(value as string, "base64").toString()) as NexmarkEvent),
  );
}

/** Lambda events over the Nexmark events from number `from` on. */
function eventTexts(from: number): string[] {
  return Array.from({ length: RECORDS / BATCH }, (_, e) => {
    const first = from + e * BATCH;
    const records = Array.from(nexmarkEvents(first, first + BATCH), ({ json, timestampMs }) => ({
      key: null,
      value: Buffer.from(json),
      timestampMs,
      headers: [],
    }));
    return toEvent("nexmark", records, first);
  });
}
