/** Broadcast state with the environment dying at each call in turn: every task has all of it, once, and outputs stay what they are without. */

import {
  boundedOutOfOrderness,
  counterState,
  json,
  mapState,
  milliseconds,
  operator,
  stream,
  table,
  text,
  topic,
} from "millrace";
import { expect, test } from "vitest";
import type { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { readTopic } from "../../lib/local/read-topic.ts";
import type { CallFault } from "../../lib/simulation/faults.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { runWithEachCallFailing } from "./faulty-run.ts";

type Payment = { readonly card: string; readonly cents: number };

const PARTITIONS = 3;
const CARDS = 9;
const RULES = 5;

const watermark = boundedOutOfOrderness(milliseconds(0), { idleAfter: milliseconds(1_000_000) });
const payments = topic("payments", { value: json<Payment>(), watermark, partitions: PARTITIONS });
const rules = topic("rules", { value: json<{ name: string; by: number }>(), watermark, partitions: 1 });
const limits = topic("limits", { key: text(), value: json<number>(), watermark, compacted: true, partitions: 2 });
const results = topic("results", { key: text(), value: json<string>(), partitions: 2 });

/** What arrives first differs from run to run, so that only what all of it made is told, by timers behind everything. */
const checking = operator(
  "checking",
  stream(payments)
    .keyBy(({ card }) => card)
    .connect(stream(rules).broadcast())
    .process({
      state: { sum: counterState() },
      broadcastState: { added: mapState<number>() },
      onElement({ card, cents }, { state, timers }) {
        state.sum.add(cents);
        timers.eventTime(2_000);
        return [{ card, cents }];
      },
      onBroadcast({ name, by }, { broadcastState: { added } }) {
        if (by === 13) throw new Error("thirteen");
        added.set(name, (added.get(name) ?? 0) + by);
      },
      *onTimer({ key, state, broadcastState }) {
        yield { card: key, cents: state.sum.value };
        for (const [name, by] of broadcastState.added.entries()) yield { card: `${key} ${name}`, cents: by };
      },
    })
    .filter((_, { timestampMs }) => timestampMs >= 2_000)
    .connect(table(limits).broadcast())
    .process(
      {
        state: { seen: mapState<number>() },
        onElement({ card, cents }, { state, timers }) {
          state.seen.set(card, cents);
          timers.eventTime(3_000);
        },
        *onTimer({ state, broadcastState }) {
          const shown = state.seen.entries().map(([card, cents]) => `${card} ${cents}`);
          yield `${shown.sort()}, ${broadcastState.entries().map(([name, most]) => `${name}${most}`)}`;
        },
      },
      { name: "limits" },
    )
    .to(results),
);

async function write(broker: MemoryBroker): Promise<void> {
  const record = (value: unknown, timestampMs: number, key: string | null = null) => ({
    key: key === null ? null : new TextEncoder().encode(key),
    value: value === null ? null : new TextEncoder().encode(JSON.stringify(value)),
    timestampMs,
    headers: [],
  });
  const end = 4_000;
  for (let partition = 0; partition < PARTITIONS; partition++)
    await broker.produce([
      {
        topic: "payments",
        partition,
        records: [
          ...Array.from({ length: CARDS }, (_, i) => record({ card: `card-${i}`, cents: partition + i }, 1_000 + i)),
          record({ card: `end-${partition}`, cents: 0 }, end),
        ],
      },
    ]);
  const ofRules = Array.from({ length: RULES }, (_, i) => record({ name: `rule-${i % 2}`, by: 20 + i }, 1_000 + i));
  await broker.produce([{ topic: "rules", partition: 0, records: [...ofRules, record({ name: "end", by: 13 }, end)] }]);
  for (const partition of [0, 1])
    await broker.produce([
      {
        topic: "limits",
        partition,
        records: [
          record(1, 1_000, `a${partition}`),
          record(2, 1_001, `b${partition}`),
          record(null, 1_002, `a${partition}`),
          record(3, 1_003, `b${partition}`),
          record(4, end, `c${partition}`),
        ],
      },
    ]);
  // What threw moved no watermark, so that the end of the rules needs another.
  await broker.produce([{ topic: "rules", partition: 0, records: [record({ name: "rule-0", by: 0 }, end + 1)] }]);
}

/** From the input itself. What came at the end moves the watermark, and the elements of the end have no timer that fires behind it. */
function directly(): string[] {
  return Array.from({ length: CARDS }, (_, i) => {
    const card = `card-${i}`;
    const shown = [`${card} ${3 * i + 3}`, `${card} rule-0 66`, `${card} rule-1 44`].sort();
    return `${card}: ${shown}, b03,b13,c04,c14`;
  });
}

async function read(broker: MemoryBroker): Promise<{ results: string[]; letters: number }> {
  const once = async (from: Parameters<typeof readTopic>[1]) => {
    const records = await readTopic(broker, from);
    return [...new Map(records.map((record) => [JSON.stringify(record.identity), record])).values()];
  };
  return {
    results: (await once(results))
      .map(({ key, value }) => `${key}: ${value}`)
      .filter((line) => line.startsWith("card"))
      .sort(),
    letters: (await once({ topicName: "checking--dead-letters" })).length,
  };
}

test.each<[CallFault, boolean]>([
  ["crash-before", false],
  ["crash-after", false],
  ["lost-reply", false],
  ["crash-after", true],
])(
  "L8, O3: %s at each call in turn (every batch in a new environment: %s)",
  { timeout: 90_000 },
  async (fault, always) => {
    const job = {
      operators: [checking],
      topology: buildTopology("test", [checking.definition]),
      write,
      check: async (broker: MemoryBroker) =>
        expect(await read(broker)).toEqual({ results: directly(), letters: PARTITIONS }),
    };
    expect(await runWithEachCallFailing(job, fault, always)).toBeGreaterThan(20);
  },
);
