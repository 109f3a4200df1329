/** A whole application, with the environment dying at each of its calls in turn, or the call losing its reply: what comes out stays the same. */

import { expect, test } from "vitest";
import { systemClock } from "../../lib/local/clock.ts";
import { writeEvent } from "../../lib/local/event-json.ts";
import { newHost } from "../../lib/local/host.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { sourceTasksOf, tickEvent } from "../../lib/local/tick.ts";
import { HOST, type Host } from "../../lib/runtime/host.ts";
import type { Operator } from "../../lib/runtime/operator-handler.ts";
import type { CallFault } from "../../lib/simulation/faults.ts";
import { createFaultyPorts, type FaultyPorts } from "../../lib/simulation/faulty-ports.ts";
import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";
import type { FunctionPlan } from "../../lib/stream/plan.ts";
import type { TickEvent } from "../../lib/wire/lambda-event.ts";
import { expectedOf, linesOf, readResults, wordApplication, writeLines } from "../local/word-application.ts";

const BATCH_SIZE = 8;
/** Far more than the application makes. */
const CALLS_MAX = 1_000;

const application = wordApplication({ idleAfterMs: 1_000_000 });
const input = linesOf(11, 40);
const { functions, topics } = application.topology;

/** Runs it to its end with one fault at call `faultAt`; returns the number of calls. */
async function run(fault: CallFault, faultAt: number, restartAlways: boolean): Promise<number> {
  const broker = new MemoryBroker();
  const stateLog = new MemoryStateLog();
  await broker.ensureTopics(topics);
  await writeLines(broker, input);
  let calls = 0;
  const faults = { callFault: () => (calls++ === faultAt ? fault : undefined) };
  let environment: { ports: FaultyPorts; host: Host } | undefined;
  const renew = () => {
    const ports = createFaultyPorts({ broker, stateLog, faults, clock: systemClock, delayMs: 0 });
    const host = newHost({
      topology: application.topology,
      broker: ports.broker,
      stateLog: ports.stateLog,
      now: () => 0,
      wake: () => {},
      report: () => {},
    });
    return { ports, host };
  };
  const invoke = async (plan: FunctionPlan, event: string | TickEvent) => {
    const operator = application.operators.find(({ definition }) => definition === plan.operator) as Operator;
    for (let attempt = 0; ; attempt++) {
      if (environment === undefined || environment.ports.isDead() || restartAlways) environment = renew();
      const context = { awsRequestId: "", functionName: plan.name, getRemainingTimeInMillis: () => 1 };
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
  for (const plan of functions)
    if (plan.shuffle === undefined && plan.shuffleOutputs.length > 0)
      await invoke(plan, tickEvent(plan, sourceTasksOf(plan), Number.POSITIVE_INFINITY));
  await deliver();
  expect(await readResults(broker)).toEqual(expectedOf(input));
  return calls;
}

test.each<[CallFault, boolean]>([
  ["crash-before", false],
  ["crash-after", false],
  ["lost-reply", false],
  ["crash-after", true],
])(
  "L8, O3: %s at each call in turn (every batch in a new environment: %s)",
  { timeout: 60_000 },
  async (fault, always) => {
    let faultAt = 0;
    while (faultAt < (await run(fault, faultAt, always)) && faultAt < CALLS_MAX) faultAt++;
    expect(faultAt).toBeGreaterThan(50);
    expect(faultAt).toBeLessThan(CALLS_MAX);
  },
);
