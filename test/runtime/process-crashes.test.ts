/** Process functions on two streams, with the environment dying at each call in turn: state, timers and outputs stay what they are without. */

import {
  boundedOutOfOrderness,
  counterState,
  hours,
  json,
  listState,
  mapState,
  milliseconds,
  operator,
  stream,
  topic,
  valueState,
} from "millrace";
import { expect, test } from "vitest";
import type { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { readTopic } from "../../lib/local/read-topic.ts";
import type { CallFault } from "../../lib/simulation/faults.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { runWithEachCallFailing } from "./faulty-run.ts";

type Order = { readonly id: string; readonly cents: number };
type Payment = { readonly order: string; readonly cents: number };
type Result = { readonly id: string; readonly text: string };

const ORDERS = 14;
const PARTITIONS = 2;

const watermark = boundedOutOfOrderness(milliseconds(50), { idleAfter: milliseconds(1_000_000) });
const orders = topic("orders", { value: json<Order>(), watermark, partitions: PARTITIONS });
const payments = topic("payments", { value: json<Payment>(), watermark, partitions: 1 });
const results = topic("results", { value: json<Result>(), partitions: 2 });

const settling = operator(
  "settling",
  stream(orders)
    .keyBy((order) => order.id)
    .connect(stream(payments).keyBy((payment) => payment.order))
    .process({
      state: {
        sum: counterState(),
        at: listState<number>({ ttl: hours(1) }),
        paid: mapState<number>(),
        last: valueState<string>(),
      },
      onLeft(order, { state, timers, timestampMs }) {
        state.sum.add(order.cents);
        state.at.add(timestampMs);
        timers.eventTime(timestampMs + 100);
        timers.eventTime(timestampMs + 100_000);
        timers.deleteEventTime(timestampMs + 100_000);
      },
      onRight(payment, { state, timestampMs }) {
        state.sum.add(-payment.cents);
        state.paid.set(`${timestampMs}`, payment.cents);
      },
      // What is behind the timer's time may be there already, or not.
      *onTimer({ key, state, firedAtMs }) {
        state.last.set(`${firedAtMs}`);
        const at = state.at.get().filter((ms) => ms <= firedAtMs);
        const paid = state.paid.keys().filter((ms) => Number(ms) <= firedAtMs);
        yield { id: key, text: `${firedAtMs}: ${at.length} orders, ${paid.length} payments` };
        if (firedAtMs % 10 === 7) throw new Error("seven");
      },
    })
    .deduplicate({ by: ({ text }) => text })
    .to(results),
);

const timersOf = Array.from({ length: PARTITIONS }, (_, partition) =>
  Array.from({ length: ORDERS }, (_, i) => ({ id: `o${i % 3}`, ms: 1_100 + i * 13 + partition })),
).flat();
const paymentsOf = Array.from({ length: ORDERS }, (_, i) => ({ id: `o${i % 4}`, ms: 1_000 + i * 17 }));

async function write(broker: MemoryBroker): Promise<void> {
  const record = (value: unknown, timestampMs: number) => ({
    key: null,
    value: new TextEncoder().encode(JSON.stringify(value)),
    timestampMs,
    headers: [],
  });
  for (let partition = 0; partition < PARTITIONS; partition++)
    await broker.produce([
      {
        topic: "orders",
        partition,
        records: timersOf
          .slice(partition * ORDERS, (partition + 1) * ORDERS)
          .map(({ id, ms }, i) => record({ id, cents: i }, ms - 100)),
      },
    ]);
  const records = paymentsOf.map(({ id, ms }, i) => record({ order: id, cents: i }, ms));
  await broker.produce([{ topic: "payments", partition: 0, records }]);
}

/** Every timer's result from the input itself. Those that throw are dead letters. */
function directly(): { results: string[]; letters: string[] } {
  const fails = ({ ms }: { ms: number }) => ms % 10 === 7;
  const until = (list: readonly { id: string; ms: number }[], id: string, ms: number) =>
    list.filter((one) => one.id === id && one.ms <= ms).length;
  return {
    results: timersOf
      .filter((timer) => !fails(timer))
      .map(({ id, ms }) => {
        const text = `${ms}: ${until(timersOf, id, ms + 100)} orders, ${until(paymentsOf, id, ms)} payments`;
        return `${ms} ${JSON.stringify({ id, text })}`;
      })
      .sort(),
    letters: timersOf
      .filter(fails)
      .map(({ id, ms }) => JSON.stringify({ key: id, timer: { time: "event", firedAtMs: ms } }))
      .sort(),
  };
}

/** What is in the topics, without repeats and in no order. */
async function read(broker: MemoryBroker): Promise<ReturnType<typeof directly>> {
  const once = async (from: Parameters<typeof readTopic>[1]) => {
    const records = await readTopic(broker, from);
    return [...new Map(records.map((record) => [JSON.stringify(record.identity), record])).values()];
  };
  const letters = await once({ topicName: "settling--dead-letters" });
  return {
    results: (await once(results)).map(({ value, timestampMs }) => `${timestampMs} ${JSON.stringify(value)}`).sort(),
    letters: letters.map(({ value }) => new TextDecoder().decode(value as Uint8Array)).sort(),
  };
}

test.each<[CallFault, boolean]>([
  ["crash-before", false],
  ["crash-after", false],
  ["lost-reply", false],
  ["crash-after", true],
])(
  "L8, O3: %s at each call in turn (every batch in a new environment: %s)",
  {
    timeout: 60_000,
  },
  async (fault, always) => {
    const job = {
      operators: [settling],
      topology: buildTopology("test", [settling.definition]),
      write,
      check: async (broker: MemoryBroker) => expect(await read(broker)).toEqual(directly()),
    };
    expect(await runWithEachCallFailing(job, fault, always)).toBeGreaterThan(20);
  },
);
