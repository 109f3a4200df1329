/**
 * Streams that meet, sessions that merge, and timers: orders and payments of users are joined by how far apart they are in time, visits counted in
 * sessions, calls by timers that a process function sets for stretches of time. Nothing is late, so each result follows from all that was put in. What
 * throws on one side of the join is set aside alone. No topic has two readers: what retention may take depends on one.
 */

import type { Draw } from "./draw.ts";
import { add, differences, type Input, type MakeProgram, type Program, type Results } from "./program.ts";
import type { Production } from "./variants.ts";

const PARTITIONS = 2;
const BOUND_MS = 10;
const LOWER_MS = -15;
const UPPER_MS = 30;
const GAP_MS = 25;
const STRETCH_MS = 40;
const USERS = ["ann", "bob", "cy", "dee"];
/** Ends a payment that the join refuses. */
const BAD = "!";
/** Tells of a time that passes everything; nobody's. */
const LAST = "last";
const ORDERS = "orders";
const PAYMENTS = "payments";
const VISITS = "visits";
const CALLS = "calls";
const TOPICS = [ORDERS, PAYMENTS, VISITS, CALLS];

export const meetAndWait: MakeProgram = (production) => ({
  name: "meet and wait",
  operators: operatorsOf(production),
  exactlyOnce: new Set(["sessions"]),
  mayStartOver: true,
  inputs: inputsOf,
  judge,
});

function operatorsOf(production: Production): Program["operators"] {
  const { boundedOutOfOrderness, json, mapState, milliseconds, operator, session, stream, text, topic } = production;
  const watermark = boundedOutOfOrderness(milliseconds(BOUND_MS));
  const orders = topic(ORDERS, { value: text(), watermark, partitions: PARTITIONS });
  const payments = topic(PAYMENTS, { value: text(), watermark, partitions: PARTITIONS });
  const visits = topic(VISITS, { value: text(), watermark, partitions: PARTITIONS });
  const calls = topic(CALLS, { value: text(), watermark, partitions: PARTITIONS });
  const pairs = topic("pairs", { value: text(), partitions: PARTITIONS });
  const sessions = topic("sessions", { value: text(), partitions: 1, exactlyOnce: true });
  const stretches = topic("stretches", { value: text(), partitions: PARTITIONS });
  const meet = operator(
    "meet",
    stream(orders)
      .filter((order) => order !== LAST)
      .keyBy(userOf)
      .intervalJoin(
        stream(payments)
          .filter((payment) => payment !== LAST)
          .keyBy(userOf)
          .map((payment) => {
            if (payment.endsWith(BAD)) throw new Error("a bad payment");
            return payment;
          }),
      )
      .between(milliseconds(LOWER_MS), milliseconds(UPPER_MS))
      .map((order, payment) => `${order} ${payment}`)
      .to(pairs),
  );
  const gather = operator(
    "gather",
    stream(visits)
      .filter((visit) => visit !== LAST)
      .keyBy(userOf)
      .window(session(milliseconds(GAP_MS)))
      .count()
      .to(sessions.from(({ key, value, window }) => sessionOf(key, window.startMs, window.endMs, value))),
  );
  const wait = operator(
    "wait",
    stream(calls)
      .filter((call) => call !== LAST)
      .keyBy(userOf)
      .process({
        state: { counts: mapState(json<number>()) },
        onElement(_, { state, timers, timestampMs }) {
          const startMs = stretchOf(timestampMs);
          state.counts.set(String(startMs), (state.counts.get(String(startMs)) ?? 0) + 1);
          timers.eventTime(startMs + STRETCH_MS - 1);
          return [];
        },
        onTimer({ key, state, firedAtMs }) {
          const startMs = stretchOf(firedAtMs);
          const count = state.counts.get(String(startMs)) ?? 0;
          state.counts.delete(String(startMs));
          return [`${key} ${startMs} ${count}`];
        },
      })
      .to(stretches),
  );
  return [meet, gather, wait];
}

function userOf(value: string): string {
  return value.slice(0, value.indexOf(" "));
}

function stretchOf(timestampMs: number): number {
  return Math.floor(timestampMs / STRETCH_MS) * STRETCH_MS;
}

function sessionOf(user: string, startMs: number, endMs: number, count: number): string {
  return `${user} ${startMs} ${endMs} ${count}`;
}

function inputsOf(draw: Draw, startMs: number): Input[] {
  const count = draw.between(1, draw.pick([6, 12, 12, 30]));
  const pauseMs = draw.magnitude(2, 300);
  const badRate = draw.occurs(0.3) ? 0.2 : 0;
  let atMs = 0;
  const inputs = Array.from({ length: count }, (_, i): Input => {
    atMs += draw.below(pauseMs * 2);
    const topic = draw.pick(TOPICS);
    const bad = topic === PAYMENTS && draw.occurs(badRate) ? BAD : "";
    return {
      topic,
      partition: draw.below(PARTITIONS),
      atMs,
      timestampMs: startMs + i * 4 + BOUND_MS - draw.below(BOUND_MS + 1),
      key: null,
      value: `${draw.pick(USERS)} ${topic.slice(0, 1)}${i}${bad}`,
    };
  });
  const last = { atMs, timestampMs: startMs + 1_000_000, key: null, value: LAST };
  const ends = TOPICS.flatMap((topic) =>
    Array.from({ length: PARTITIONS }, (_, partition) => ({ ...last, topic, partition })),
  );
  return [...inputs, ...ends];
}

function judge(inputs: readonly Input[], results: Results): string[] {
  const of = (name: string) => inputs.filter(({ topic, value }) => topic === name && value !== LAST);
  const [orders, payments] = [of(ORDERS), of(PAYMENTS)];
  const counted = (topic: string) => {
    const found = new Map<string, number>();
    for (const { value } of results.of(topic)) add(found, value, 1);
    return found;
  };
  const { isPartial } = results;
  const buried = results.of("meet--dead-letters").length;
  const bad = payments.filter(({ value }) => value.endsWith(BAD)).length;
  return [
    ...differences("the pair", pairsOf(orders, payments), counted("pairs"), isPartial),
    ...differences("the session", sessionsOf(of(VISITS)), counted("sessions"), isPartial),
    ...differences("the stretch", stretchesOf(of(CALLS)), counted("stretches"), isPartial),
    ...(buried === bad || (isPartial && buried < bad) ? [] : [`${buried} payments were set aside instead of ${bad}`]),
  ];
}

function pairsOf(orders: readonly Input[], payments: readonly Input[]): Map<string, number> {
  const pairs = new Map<string, number>();
  for (const order of orders)
    for (const payment of payments) {
      const apartMs = payment.timestampMs - order.timestampMs;
      const isNear = apartMs >= LOWER_MS && apartMs <= UPPER_MS;
      if (isNear && userOf(order.value) === userOf(payment.value) && !payment.value.endsWith(BAD))
        add(pairs, `${order.value} ${payment.value}`, 1);
    }
  return pairs;
}

function sessionsOf(visits: readonly Input[]): Map<string, number> {
  const sessions = new Map<string, number>();
  for (const [user, own] of Map.groupBy(visits, ({ value }) => userOf(value))) {
    const times = own.map(({ timestampMs }) => timestampMs).sort((a, b) => a - b);
    let [startMs, lastMs, count] = [times[0] as number, times[0] as number, 0];
    for (const timeMs of times) {
      if (timeMs - lastMs > GAP_MS) {
        add(sessions, sessionOf(user, startMs, lastMs + GAP_MS, count), 1);
        [startMs, count] = [timeMs, 0];
      }
      lastMs = timeMs;
      count += 1;
    }
    add(sessions, sessionOf(user, startMs, lastMs + GAP_MS, count), 1);
  }
  return sessions;
}

function stretchesOf(calls: readonly Input[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { timestampMs, value } of calls) add(counts, `${userOf(value)} ${stretchOf(timestampMs)}`, 1);
  return new Map([...counts].map(([name, count]) => [`${name} ${count}`, 1]));
}
