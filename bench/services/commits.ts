/** What a commit takes: DynamoDB's write units a record beside an item per key, and the time of an append beside the rest of its invocation. */

import type { OutgoingRecord } from "../../lib/wire/outgoing-record.ts";
import { viewRecord } from "../events.ts";
import { quantile } from "../measure.ts";
import { countByUser } from "../operators.ts";
import type { ProgressOf, Row, Section } from "../section.ts";
import { type Invocation, openEnvironment, tableOf } from "./environment.ts";
import { countByItems } from "./item-per-key.ts";
import type { Servers } from "./servers.ts";

const APPLICATION = "commits";
const TOPIC = "plain-views";
const SHUFFLE = `${countByUser.operatorName}--by-key`;
const KEYS = 300;
const BATCH = 1_000;
const BATCHES = 400;
/** Invocations of each that are not timed: here and in the servers what is hot is compiled while they run. */
const WARM_UP = 100;
/** Enough of the other way: each batch costs the same. */
const BATCHES_BY_ITEMS = 10;

export async function commits(servers: Servers, progressOf: ProgressOf): Promise<Section> {
  const progress = progressOf("commits");
  const environment = await openEnvironment(servers, APPLICATION, [countByUser]);
  try {
    const reading: Invocation[] = [];
    const counting: Invocation[] = [];
    let unitsOfReading = 0;
    for (let i = 0; i < BATCHES; i += 1) {
      progress(i, BATCHES);
      const records = Array.from({ length: BATCH }, (_, r): OutgoingRecord => viewRecord(i * BATCH + r, KEYS));
      await environment.broker.produce([{ topic: TOPIC, partition: 0, records }]);
      const before = environment.log.units.write;
      reading.push(await environment.invoke(countByUser, await environment.newEvent(TOPIC)));
      unitsOfReading += environment.log.units.write - before;
      // A bundle for the batch, and a commit for the bundle.
      counting.push(await environment.invoke(countByUser, await environment.newEvent(SHUFFLE)));
    }
    const units = environment.log.units.write;
    const byItems = await countByItems(
      { endpoint: servers.dynamodb, table: tableOf(APPLICATION) },
      { batches: BATCHES_BY_ITEMS, batch: BATCH, keys: KEYS },
    );
    const records = BATCHES * BATCH;
    const unitsRow = (what: string, perRecord: number) => ({
      what,
      figure: `${perRecord.toFixed(5)} write units a record`,
      value: perRecord,
      unit: "write units per record",
    });
    const timesByItems = byItems.batchMs.toSorted((a, b) => a - b);
    return {
      title: `commits of ${BATCH.toLocaleString("en")}-record batches over ${KEYS} keys, Kafka and DynamoDB, one invocation after the other`,
      rows: [
        { ...unitsRow("both functions", units / records), target: "≤ 0.01" },
        unitsRow("the function that reads the topic", unitsOfReading / records),
        unitsRow("the function that counts", (units - unitsOfReading) / records),
        {
          ...unitsRow("an item per key, as many times as both functions", byItems.unitsPerRecord),
          ratio: (byItems.unitsPerRecord * records) / units,
          target: "≥ 30",
        },
        ...timeRows("the function that reads the topic", reading.slice(WARM_UP)),
        ...timeRows("the function that counts", counting.slice(WARM_UP)),
        timeRow("an item per key: all updates of a batch, 16 at a time", timesByItems),
      ],
    };
  } finally {
    progress(1, 1);
    await environment.close();
  }
}

/** The waits of an invocation, and what is left: decoding, counting, encoding, and whatever the event loop does meanwhile. */
const WAITS: Readonly<Record<string, string>> = {
  putEntry: "append to the state log",
  produce: "send to Kafka",
  putChunk: "write chunks of state",
};

function timeRows(name: string, invocations: readonly Invocation[]): Row[] {
  const sorted = (of: (invocation: Invocation) => number) => invocations.map(of).sort((a, b) => a - b);
  const whole = invocations.reduce((sum, { ms }) => sum + ms, 0);
  const row = (what: string, of: (invocation: Invocation) => number) => {
    const share = invocations.reduce((sum, invocation) => sum + of(invocation), 0) / whole;
    return timeRow(`  ${what}`, sorted(of), share);
  };
  const waited = ({ waits }: Invocation) => [...waits.values()].reduce((sum, ms) => sum + ms, 0);
  const kinds = Object.entries(WAITS).filter(([method]) => invocations.some(({ waits }) => waits.has(method)));
  return [
    timeRow(
      `${name}: an invocation`,
      sorted(({ ms }) => ms),
    ),
    ...kinds.map(([method, what]) => row(what, ({ waits }) => waits.get(method) ?? 0)),
    row("everything else", (invocation) => invocation.ms - waited(invocation)),
  ];
}

function timeRow(what: string, sorted: readonly number[], share?: number): Row {
  const p50 = quantile(sorted, 0.5);
  const shown = share === undefined ? "" : `, ${(share * 100).toFixed(0)} % of the time`;
  return {
    what,
    figure: `p50 ${p50.toFixed(1)} ms, p99 ${quantile(sorted, 0.99).toFixed(1)} ms${shown}`,
    value: p50,
    unit: "ms",
  };
}
