/** A job in which streams meet in every way there is, through one shuffle; and what must come out, found by comparing all with all. */

import {
  boundedOutOfOrderness,
  json,
  milliseconds,
  operator,
  seconds,
  stream,
  table,
  text,
  topic,
  tumbling,
} from "millrace";
import { expect } from "vitest";
import { readTopic } from "../../lib/local/read-topic.ts";
import { createRandom } from "../../lib/simulation/random.ts";
import { kafkaPartitionOf } from "../../lib/state/murmur2.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import type { Job } from "./faulty-run.ts";

type Element = { readonly key: string; readonly n: number; readonly ms: number };
type Side = "orders" | "payments" | "customers";

const SPREAD_MS = 60;
const WINDOW_MS = 20;
const BEFORE_MS = 5;
const BEHIND_MS = 15;
const KEYS = ["a", "b", "c", "d"];

const PARTITIONS: Readonly<Record<Side, number>> = { orders: 3, payments: 2, customers: 2 };

/** The job with the same input every time. Nothing in it is late. */
export function meetingJob(): Job {
  const watermark = boundedOutOfOrderness(milliseconds(SPREAD_MS), { idleAfter: seconds(1_000) });
  const declare = (name: Side) =>
    topic(name, { value: json<Element>(), timestampOf: ({ ms }) => ms, watermark, partitions: PARTITIONS[name] });
  const customers = topic("customers", {
    key: text(),
    value: json<Element>(),
    watermark,
    compacted: true,
    partitions: PARTITIONS.customers,
  });
  const out = topic("out", { value: text(), partitions: 2 });
  const orders = stream(declare("orders")).keyBy(({ key }) => key, { parallelism: 2 });
  const payments = stream(declare("payments")).keyBy(({ key }) => key);
  const meet = operator(
    "meet",
    orders
      .intervalJoin(payments)
      .between(milliseconds(-BEFORE_MS), milliseconds(BEHIND_MS))
      .map((order, payment) => `interval ${order.n} ${payment.n}`)
      .to(out),
    orders
      .coGroup(payments)
      .window(tumbling(milliseconds(WINDOW_MS)))
      .flatMap((some, others, { key, window }) => [`group ${window.startMs} ${key} ${listOf(some)} ${listOf(others)}`])
      .to(out),
    orders
      .leftJoin(table(customers))
      .map((order, customer) => `table ${order.n} ${customer?.n ?? "none"}`)
      .to(out),
  );
  const input = makeInput();
  return {
    operators: [meet],
    topology: buildTopology("meeting", [meet.definition]),
    async write(broker) {
      for (const side of ["orders", "payments", "customers"] as const)
        await broker.produce(
          input[side].map((element) => ({
            topic: side,
            partition: side === "customers" ? kafkaPartitionOf(encode(element.key), 2) : element.n % PARTITIONS[side],
            records: [
              {
                key: encode(element.key),
                value: isTombstone(side, element) ? null : encode(JSON.stringify(element)),
                timestampMs: element.ms,
                headers: [],
              },
            ],
          })),
        );
    },
    async check(broker) {
      const records = await readTopic(broker, out);
      const once = new Map(records.map(({ identity, value }) => [JSON.stringify(identity), value as string]));
      expect([...once.values()].sort()).toEqual(expectedOf(input));
    },
  };
}

const encode = (text: string) => new TextEncoder().encode(text);
const isTombstone = (side: Side, { n }: Element) => side === "customers" && n % 4 === 3;
const listOf = (elements: readonly Element[]) => elements.map(({ n }) => n).sort((a, b) => a - b);

type Input = Readonly<Record<Side, readonly Element[]>>;

function makeInput(): Input {
  const random = createRandom(5);
  const some = (count: number) =>
    Array.from({ length: count }, (_, n) => ({
      key: KEYS[Math.floor(random() * KEYS.length)] as string,
      n,
      ms: Math.floor(random() * SPREAD_MS),
    }));
  return { orders: some(30), payments: some(20), customers: some(20) };
}

function expectedOf({ orders, payments, customers }: Input): string[] {
  const lines: string[] = [];
  for (const order of orders) {
    for (const payment of payments)
      if (payment.key === order.key && payment.ms >= order.ms - BEFORE_MS && payment.ms <= order.ms + BEHIND_MS)
        lines.push(`interval ${order.n} ${payment.n}`);
    const customer = customers
      .filter(({ key, ms }) => key === order.key && ms <= order.ms)
      .sort((a, b) => a.ms - b.ms)
      .at(-1);
    const name = customer === undefined || isTombstone("customers", customer) ? "none" : customer.n;
    lines.push(`table ${order.n} ${name}`);
  }
  for (const key of KEYS)
    for (let startMs = 0; startMs < SPREAD_MS; startMs += WINDOW_MS) {
      const inside = (elements: readonly Element[]) =>
        listOf(elements.filter((one) => one.key === key && one.ms >= startMs && one.ms < startMs + WINDOW_MS));
      const [some, others] = [inside(orders), inside(payments)];
      if (some.length + others.length > 0) lines.push(`group ${startMs} ${key} ${some} ${others}`);
    }
  return lines.sort();
}
