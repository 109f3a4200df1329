/** An application whose steps fail until they are repaired: before it keeps a log, before a shuffle and behind it. What it sums up tells of each record how often it was counted. */

import { json, monotonic, operator, stream, topic } from "millrace";
import { systemClock } from "../../lib/local/clock.ts";
import { writeEvent } from "../../lib/local/event-json.ts";
import { newHost } from "../../lib/local/host.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { readTopic, type TopicElement } from "../../lib/local/read-topic.ts";
import {
  type InvokeRedrive,
  LetterStates,
  type RedriveSurvey,
  redrive,
  surveyLetters,
} from "../../lib/local/redrive.ts";
import { sourceTasksOf, tickEvent, topicsReadBy } from "../../lib/local/tick.ts";
import { toDeadLetter } from "../../lib/runtime/dead-letter.ts";
import { HOST, type Host } from "../../lib/runtime/host.ts";
import type { Operator } from "../../lib/runtime/operator-handler.ts";
import type { CallFault } from "../../lib/simulation/faults.ts";
import { createFaultyPorts, type FaultyPorts } from "../../lib/simulation/faulty-ports.ts";
import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";
import type { TaskHead } from "../../lib/state-log/state-log.ts";
import type { FunctionPlan } from "../../lib/stream/plan.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import type { FunctionEvent, RedriveOutcome, RedriveResponse } from "../../lib/wire/lambda-event.ts";

/** Where a record fails, and its place in the sum. */
export type Job = { readonly fails: "nowhere" | "without-log" | "before" | "behind"; readonly i: number };

/** A record is a digit of the sum in this base: counted so often. More than 26 digits do not fit into a number. */
const BASE = 4;
export const NOW_MS = 1_000_000;
const PLACES = ["nowhere", "without-log", "before", "behind"] as const;

export function jobsOf(count: number, from = 0): Job[] {
  return Array.from({ length: count }, (_, i) => ({
    fails: PLACES[(from + i) % PLACES.length] as Job["fails"],
    i: from + i,
  }));
}

/** Decides what happens to each call of an environment; and lets others have their turn before it. */
export type Weather = { callFault(): CallFault | undefined; turn?(): Promise<void> };

const CALM: Weather = { callFault: () => undefined };

/** Functions of one process: with a cache, until it dies. */
export type Process = { host(): Host; renew(): void };

export class RedriveWorld {
  readonly broker = new MemoryBroker();
  readonly stateLog = new MemoryStateLog();
  isRepaired = false;
  readonly operators: readonly Operator[];
  readonly #topology;
  readonly #out = topic("out", { value: json<number>() });
  readonly #positions = new Map<string, number>();

  constructor() {
    const raw = topic("raw", { value: json<Job>() });
    const jobs = topic("jobs", { value: json<Job>(), watermark: monotonic() });
    const failAt = (place: Job["fails"]) => (job: Job) => {
      if (job.fails === place && !this.isRepaired) throw new Error(`broken ${place}`);
      return job;
    };
    this.operators = [
      operator("clean", stream(raw).map(failAt("without-log")).to(jobs)),
      operator(
        "sum",
        stream(jobs)
          .map(failAt("before"))
          .keyBy(() => "all")
          .map(failAt("behind"))
          .sum(({ i }) => BASE ** i)
          .to(this.#out.from(({ value }) => value)),
      ),
    ];
    this.#topology = buildTopology(
      "test",
      this.operators.map(({ definition }) => definition),
      () => 1,
    );
  }

  async begin(): Promise<this> {
    await this.broker.ensureTopics(this.#topology.topics);
    return this;
  }

  async write(jobs: readonly Job[]): Promise<void> {
    const records = jobs.map((job) => ({
      key: null,
      value: new TextEncoder().encode(JSON.stringify(job)),
      timestampMs: 1_000 + job.i,
      headers: [],
    }));
    await this.broker.produce([{ topic: "raw", partition: 0, records }]);
  }

  process(weather: Weather = CALM): Process {
    let ports: FaultyPorts;
    let host: Host;
    const renew = () => {
      const faults = { callFault: () => weather.callFault() };
      const { broker, stateLog } = this;
      ports = createFaultyPorts({ broker, stateLog, faults, clock: systemClock, delayMs: 0 });
      host = newHost({
        topology: this.#topology,
        broker: ports.broker,
        stateLog: ports.stateLog,
        now: () => NOW_MS,
        wake: () => {},
        report: () => {},
      });
    };
    renew();
    return {
      host: () => {
        if (ports.isDead()) renew();
        return host;
      },
      renew,
    };
  }

  async #invoke(process: Process, plan: FunctionPlan, event: FunctionEvent | string): Promise<unknown> {
    const handler = this.operators.find(({ definition }) => definition === plan.operator) as Operator;
    const context = { awsRequestId: "", functionName: plan.name, getRemainingTimeInMillis: () => 1 };
    return handler(event, Object.assign(context, { [HOST]: process.host() }));
  }

  /** Delivers whatever can be read, each batch until it goes through. */
  async run(process: Process, weather: Weather = CALM, batchSize = 3): Promise<void> {
    for (let found = true; found; ) {
      found = false;
      for (const plan of this.#topology.functions)
        for (const { topic: name } of topicsReadBy(plan)) {
          const at = this.#positions.get(`${plan.name}/${name}`) ?? 0;
          const fetched = await this.broker.fetch(name, 0, at, { bytesMax: 1 << 20, recordsMax: batchSize });
          const { records: columns, nextOffset } = fetched;
          if (columns.count === 0) continue;
          const origin = { eventSource: "aws:kafka", bootstrapServers: "test", topic: name } as const;
          const event = writeEvent(origin, [{ partition: 0, columns, from: 0, to: columns.count, nextOffset }]);
          await untilDone(async () => {
            await weather.turn?.();
            await this.#invoke(process, plan, event);
          });
          this.#positions.set(`${plan.name}/${name}`, nextOffset);
          found = true;
        }
    }
  }

  /** What a runtime does where somebody else committed, or when it starts. */
  async tickAll(process: Process): Promise<void> {
    for (const plan of this.#topology.functions) {
      const tasks = plan.shuffle === undefined ? sourceTasksOf(plan) : [{ topic: plan.shuffle.name, partition: 0 }];
      await this.#invoke(process, plan, tickEvent(plan, tasks));
    }
  }

  /** One redrive of everything, as the command line does it. Rejects where it is killed. */
  async redrive(
    process: Process,
    weather: Weather = CALM,
  ): Promise<{ survey: RedriveSurvey; outcomes: RedriveOutcome[] }> {
    const letters = (await this.letters()).flat();
    const states = new LetterStates(this.#topology, process.host().stateLog);
    const survey = await surveyLetters(letters.map(toDeadLetter), states);
    const outcomes: RedriveOutcome[] = [];
    const invoke: InvokeRedrive = async (plan, event) => {
      await weather.turn?.();
      return (await this.#invoke(process, plan, event)) as RedriveResponse;
    };
    const toSend = letters.filter((letter) => {
      const { id } = toDeadLetter(letter);
      return survey.toSend.has(id) || survey.toSettle.has(id);
    });
    await redrive(toSend, { topology: this.#topology, invoke, onBatch: (batch) => outcomes.push(...batch) });
    return { survey, outcomes };
  }

  /** The tasks whose last commit has outputs, of which the log alone does not tell whether they were sent. */
  async owing(): Promise<TaskHead[]> {
    const owing: TaskHead[] = [];
    for (const head of await this.stateLog.tasks()) {
      const entry = await this.stateLog.readSlot(head.task, head.sequenceNumber);
      if (entry?.outputs.length !== 0) owing.push(head);
    }
    return owing;
  }

  /** The dead letters, repeats included, by operator. */
  async letters(): Promise<TopicElement<Uint8Array | null, Uint8Array | null>[][]> {
    const read = this.operators.map(({ operatorName }) =>
      readTopic(this.broker, { topicName: `${operatorName}--dead-letters` }),
    );
    return (await Promise.all(read)) as TopicElement<Uint8Array | null, Uint8Array | null>[][];
  }

  /** How often each record is in the newest sum. Throws where a sum was sent twice under two identities. */
  async counts(count: number): Promise<number[]> {
    const sums = new Map<string, number>();
    for (const { identity, value } of await readTopic(this.broker, this.#out))
      sums.set(JSON.stringify(identity), value as number);
    const distinct = new Set(sums.values());
    if (distinct.size < sums.size) throw new Error(`The sums ${[...sums.values()].join(", ")} are not distinct.`);
    let rest = Math.max(0, ...distinct);
    return Array.from({ length: count }, () => {
      const digit = rest % BASE;
      rest = (rest - digit) / BASE;
      return digit;
    });
  }
}

const ATTEMPTS_MAX = 200;

/** Tries again whatever fails. */
export async function untilDone(work: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      if (attempt === ATTEMPTS_MAX) throw error;
    }
  }
}
