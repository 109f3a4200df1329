/** Runs a whole application to its end, with the environment dying at one of its calls, or the call losing its reply. */

import { systemClock } from "../../lib/local/clock.ts";
import { writeEvent } from "../../lib/local/event-json.ts";
import { newHost } from "../../lib/local/host.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { sourceTasksOf, type TaskPlace, tickEvent } from "../../lib/local/tick.ts";
import type { CommitLimits } from "../../lib/runtime/commit-limits.ts";
import { HOST, type Host } from "../../lib/runtime/host.ts";
import type { Operator } from "../../lib/runtime/operator-handler.ts";
import type { CallFault } from "../../lib/simulation/faults.ts";
import { createFaultyPorts, type FaultyPorts } from "../../lib/simulation/faulty-ports.ts";
import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";
import type { FunctionPlan, Topology } from "../../lib/stream/plan.ts";
import { MemoryTableStore } from "../../lib/tables/memory-table-store.ts";
import type { TableStore } from "../../lib/tables/table-store.ts";
import type { TickEvent } from "../../lib/wire/lambda-event.ts";

/** An application, its input, and what must hold of what came out. */
export type Job = {
  readonly operators: readonly Operator[];
  readonly topology: Topology;
  readonly commitLimits?: CommitLimits;
  /** Where the clock stands, and where when all is delivered: who asked for it is woken, and then the input ends. Without it: at 0. */
  readonly clock?: { readonly startsAtMs: number; readonly endsAtMs: number };
  write(broker: MemoryBroker): Promise<void>;
  check(broker: MemoryBroker, tables: TableStore): Promise<void>;
};

const BATCH_SIZE = 8;
/** Far more than the applications make. */
const CALLS_MAX = 1_000;

/** Runs the job with one fault at call `faultAt`; returns the number of calls. `restartAlways`: every batch meets a new environment. */
async function run(job: Job, fault: CallFault, faultAt: number, restartAlways: boolean): Promise<number> {
  const { functions, topics } = job.topology;
  const broker = new MemoryBroker();
  const stateLog = new MemoryStateLog();
  const tables = new MemoryTableStore();
  let nowMs = job.clock?.startsAtMs ?? 0;
  const wishes = new Map<string, { readonly plan: FunctionPlan; readonly task: TaskPlace; readonly atMs: number }>();
  await broker.ensureTopics(topics);
  await job.write(broker);
  let calls = 0;
  const faults = { callFault: () => (calls++ === faultAt ? fault : undefined) };
  let environment: { ports: FaultyPorts; host: Host } | undefined;
  const renew = () => {
    const ports = createFaultyPorts({ broker, stateLog, tables, faults, clock: systemClock, delayMs: 0 });
    const host = newHost({
      topology: job.topology,
      broker: ports.broker,
      stateLog: ports.stateLog,
      ...(ports.tables && { tables: ports.tables }),
      now: () => nowMs,
      wake: (functionName, topic, partition, atMs) => {
        const plan = functions.find(({ name }) => name === functionName) as FunctionPlan;
        const name = `${functionName}/${topic}-${partition}`;
        if (atMs === null) wishes.delete(name);
        else wishes.set(name, { plan, task: { topic, partition }, atMs });
      },
      report: () => {},
      commitLimits: job.commitLimits,
    });
    return { ports, host };
  };
  const invoke = async (plan: FunctionPlan, event: string | TickEvent) => {
    const operator = job.operators.find(({ definition }) => definition === plan.operator) as Operator;
    for (let attempt = 0; ; attempt++) {
      if (environment === undefined || environment.ports.isDead() || restartAlways) environment = renew();
      const context = { awsRequestId: "", functionName: plan.name, getRemainingTimeInMillis: () => 60_000 };
      try {
        await operator(event, { ...context, [HOST]: environment.host } as typeof context);
        return;
      } catch (error) {
        // There is one fault; what fails again fails for another reason.
        if (attempt > 0) throw error;
      }
    }
  };
  const positions = new Map<string, number>();
  const deliver = async () => {
    for (let found = true; found; ) {
      found = false;
      for (const plan of functions)
        for (const topic of plan.shuffle === undefined
          ? plan.sources.map((source) => source.topic.topicName)
          : [plan.shuffle.name])
          for (let partition = 0; partition < (await broker.offsets(topic)).length; partition++) {
            const name = `${plan.name}/${topic}-${partition}`;
            const limits = { bytesMax: 1 << 20, recordsMax: BATCH_SIZE };
            const fetched = await broker.fetch(topic, partition, positions.get(name) ?? 0, limits);
            const { records: columns, nextOffset } = fetched;
            if (columns.count === 0) continue;
            const origin = { eventSource: "aws:kafka", bootstrapServers: "test", topic } as const;
            await invoke(plan, writeEvent(origin, [{ partition, columns, from: 0, to: columns.count, nextOffset }]));
            positions.set(name, nextOffset);
            found = true;
          }
    }
  };
  await deliver();
  if (job.clock !== undefined) {
    nowMs = job.clock.endsAtMs;
    for (const { plan, task, atMs } of [...wishes.values()])
      if (atMs <= nowMs) await invoke(plan, tickEvent(plan, [task]));
    await deliver();
  }
  for (const plan of functions)
    if (plan.shuffle === undefined && plan.shuffleOutputs.length > 0)
      await invoke(plan, tickEvent(plan, sourceTasksOf(plan), Number.POSITIVE_INFINITY));
  await deliver();
  await job.check(broker, tables);
  return calls;
}

/** Runs the job with a fault at each of its calls in turn; returns how many there are. Throws where there are more than expected of any job. */
export async function runWithEachCallFailing(job: Job, fault: CallFault, restartAlways: boolean): Promise<number> {
  let faultAt = 0;
  while (faultAt < (await run(job, fault, faultAt, restartAlways))) {
    if (faultAt >= CALLS_MAX) throw new Error(`The job makes more than ${CALLS_MAX} calls.`);
    faultAt++;
  }
  return faultAt;
}
