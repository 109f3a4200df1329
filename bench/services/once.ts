/** What exactlyOnce costs: the time from a batch's delivery to its acknowledged outputs, beside the same operator with an idempotent topic. */

import { json, operator, stream, text, topic } from "millrace";
import type { Operator } from "../../lib/runtime/operator-handler.ts";
import { type PageView, viewRecord } from "../events.ts";
import { quantile } from "../measure.ts";
import type { ProgressOf, Row, Section } from "../section.ts";
import { type Environment, openEnvironment } from "./environment.ts";
import type { Servers } from "./servers.ts";

const KEYS = 300;
const BATCH = 1_000;
const BATCHES = 500;
/** Pairs of invocations that are not timed: here and in the servers what is hot is compiled while they run. */
const WARM_UP = 100;

const views = topic("keyed-views", { key: text(), value: json<PageView>(), partitions: 1 });

/** Each view as the number of views that its user has had: a result for every record. */
function countViews(name: string, exactlyOnce: boolean): Operator {
  const counts = topic(`counts-${name}`, {
    key: text(),
    value: json<{ user: string; views: number }>(),
    partitions: 1,
    exactlyOnce,
  });
  const counted = stream(views).keyedByTopicKey().count();
  return operator(`count-${name}`, counted.to(counts.from(({ key, value }) => ({ user: key, views: value }))));
}

/** The two take turns on the same records and the same servers. */
export async function once(servers: Servers, progressOf: ProgressOf): Promise<Section> {
  const progress = progressOf("exactlyOnce");
  const operators = [countViews("idempotent", false), countViews("exactly-once", true)] as const;
  const environment = await openEnvironment(servers, "once", operators);
  try {
    const times: Times[] = operators.map(() => ({ all: [], append: [], send: [] }));
    for (let i = 0; i < BATCHES; i += 1) {
      progress(i, BATCHES);
      const records = Array.from({ length: BATCH }, (_, r) => viewRecord(i * BATCH + r, KEYS, true));
      await environment.broker.produce([{ topic: views.topicName, partition: 0, records }]);
      const event = await environment.newEvent(views.topicName);
      // A B, B A, …: who comes second finds everything warm.
      for (const which of i % 2 === 0 ? [0, 1] : [1, 0]) {
        const measured = await invoke(environment, operators[which] as Operator, event);
        if (i < WARM_UP) continue;
        const { all, append, send } = times[which] as Times;
        all.push(measured.all);
        append.push(measured.append);
        send.push(measured.send);
      }
    }
    await expectAll(environment);
    return { title: titleOf(), rows: toRows(times) };
  } finally {
    progress(1, 1);
    await environment.close();
  }
}

type Times = { readonly all: number[]; readonly append: number[]; readonly send: number[] };

async function invoke(environment: Environment, each: Operator, event: string) {
  const { ms, waits } = await environment.invoke(each, event);
  const send = (waits.get("produce") ?? 0) + (waits.get("produceExactlyOnce") ?? 0);
  return { all: ms, append: waits.get("putEntry") ?? 0, send };
}

/** Both gave a result for each record, or their times mean nothing. */
async function expectAll({ broker }: Environment): Promise<void> {
  for (const name of ["counts-idempotent", "counts-exactly-once"]) {
    let records = 0;
    const high = (await broker.offsets(name))[0]?.high ?? 0;
    for (let at = 0; at < high; ) {
      const fetched = await broker.fetch(name, 0, at, { bytesMax: 2 ** 24, recordsMax: 100_000 });
      records += fetched.records.count;
      at = fetched.nextOffset;
    }
    if (records !== BATCHES * BATCH) throw new Error(`${name} has ${records} results instead of ${BATCHES * BATCH}.`);
  }
}

function titleOf(): string {
  return `from delivery to acknowledged output, ${BATCH.toLocaleString("en")}-record batches, a result for each record`;
}

function toRows(times: readonly Times[]): Row[] {
  const medians = times.map(({ all, append, send }) => ({
    all: medianOf(all),
    append: medianOf(append),
    send: medianOf(send),
    p99: quantile(inOrder(all), 0.99),
  }));
  return ["idempotent topic", "exactlyOnce topic"].map((what, i) => {
    const { all, append, send, p99 } = medians[i] as (typeof medians)[number];
    const idempotent = (medians[0] as (typeof medians)[number]).all;
    return {
      what,
      figure: `p50 ${all.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms; append ${append.toFixed(1)} ms, send ${send.toFixed(1)} ms`,
      value: all,
      unit: "ms",
      ...(i > 0 && { ratio: all / idempotent, target: "≤ 1.2" }),
    };
  });
}

function medianOf(values: readonly number[]): number {
  return quantile(inOrder(values), 0.5);
}

function inOrder(values: readonly number[]): readonly number[] {
  return values.toSorted((a, b) => a - b);
}
