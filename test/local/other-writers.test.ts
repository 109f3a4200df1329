/** A runtime beside which somebody else redrives: it notices within a while, and does what the other could not. */

import { json, milliseconds, operator, stream, text, topic, tumbling } from "millrace";
import { beforeEach, expect, test } from "vitest";
import type { Broker } from "../../lib/kafka/broker.ts";
import { type Clock, systemClock } from "../../lib/local/clock.ts";
import { newHost } from "../../lib/local/host.ts";
import { startLocalRuntime } from "../../lib/local/local-runtime.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import { readTopic } from "../../lib/local/read-topic.ts";
import { type LetterRecord, redrive } from "../../lib/local/redrive.ts";
import { HOST } from "../../lib/runtime/host.ts";
import type { Operator } from "../../lib/runtime/operator-handler.ts";
import { createFaultyPorts } from "../../lib/simulation/faulty-ports.ts";
import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import type { RedriveResponse } from "../../lib/wire/lambda-event.ts";

let isBroken = true;
beforeEach(() => {
  isBroken = true;
});
const check = (line: string) => {
  if (isBroken && line === "bad") throw new Error("broken");
  return line;
};

const lines = topic("lines", { key: text(), value: text(), partitions: 1 });
const out = topic("out", { value: json<unknown>(), partitions: 1 });
const clocked = operator(
  "clocked",
  stream(lines)
    .map(check)
    .keyedByTopicKey()
    .window(tumbling(milliseconds(300), { time: "processing" }))
    .count()
    .to(out.from(({ value }) => value)),
);
const counting = operator(
  "counting",
  stream(lines)
    .map(check)
    .keyedByTopicKey()
    .count()
    .to(out.from(({ value }) => value)),
);
const copying = operator("copying", stream(lines).map(check).to(out));

/** Others are looked for sooner than every 15 seconds. */
const clock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms === 15_000 ? 20 : ms, signal) };

test.each([
  ["closes the window that a redriven element opened by the clock", clocked, false, [1]],
  ["sends what a redrive that was killed had committed", counting, true, [1]],
  ["sends what one of a function without a log had committed", copying, true, ["bad"]],
] as const)("%s", async (_, tested, isKilled, expected) => {
  const operators = [tested as Operator];
  const topology = buildTopology("test", [tested.definition]);
  const broker = new MemoryBroker();
  const stateLog = new MemoryStateLog();
  await broker.ensureTopics(topology.topics);
  const application = { name: "test", folder: ".", operators, topology };
  const workspace = { broker, stateLog, close: async () => {} };
  const encode = (value: string) => new TextEncoder().encode(value);
  const record = { key: encode("k"), value: encode("bad"), timestampMs: 1_000, headers: [] };
  await broker.produce([{ topic: "lines", partition: 0, records: [record] }]);
  const runtime = await startLocalRuntime({ application, workspace, clock });
  try {
    const letters = async () =>
      (await readTopic(broker, { topicName: `${tested.operatorName}--dead-letters` })) as LetterRecord[];
    await expect.poll(letters).toHaveLength(1);
    isBroken = false;

    // Another process; it dies when it wants to send a result.
    const ports = createFaultyPorts({ broker, stateLog, faults: { callFault: () => undefined }, clock, delayMs: 0 });
    const produce: Broker["produce"] = async (batches) => {
      if (isKilled && batches.some(({ topic }) => topic === out.topicName)) throw new Error("killed");
      return ports.broker.produce(batches);
    };
    const host = newHost({
      topology,
      broker: { ...ports.broker, produce },
      stateLog: ports.stateLog,
      now: Date.now,
      wake: () => {},
      report: () => {},
    });
    const context = { awsRequestId: "", functionName: tested.operatorName, getRemainingTimeInMillis: () => 1e6 };
    const redriving = redrive(await letters(), {
      topology,
      invoke: async (_plan, event) => (await tested(event, { ...context, [HOST]: host } as never)) as RedriveResponse,
    });
    if (isKilled) await expect(redriving).rejects.toThrow("killed");
    else await redriving;

    const values = async () => (await readTopic(broker, out)).map(({ value }) => value);
    await expect.poll(values, { timeout: 5_000 }).toEqual(expected);
    await new Promise((resume) => setTimeout(resume, 200));
    expect(await values()).toEqual(expected);
  } finally {
    await runtime.stop();
  }
});
