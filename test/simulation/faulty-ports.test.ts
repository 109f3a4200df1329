/** What an unlucky execution environment sees of its ports: crashes, lost replies, delays, and what of it takes effect. */

import { expect, test } from "vitest";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";
import type { CallFault } from "../../lib/simulation/faults.ts";
import { CrashError, createFaultyPorts } from "../../lib/simulation/faulty-ports.ts";
import { VirtualClock } from "../../lib/simulation/virtual-clock.ts";
import { MemoryStateLog } from "../../lib/state-log/memory-state-log.ts";
import { MillraceError } from "../../lib/stream/error.ts";

const RECORD = { key: null, value: new Uint8Array([1]), timestampMs: 0, headers: [] };
const BATCHES = [{ topic: "t", partition: 0, records: [RECORD] }];

/** Ports whose calls meet the given faults, one after the other, and none afterwards. */
async function newPorts(...planned: (CallFault | undefined)[]) {
  const broker = new MemoryBroker();
  await broker.ensureTopics([{ name: "t", partitions: 1, compacted: false, retentionMs: undefined }]);
  const stateLog = new MemoryStateLog();
  const clock = new VirtualClock();
  const ports = createFaultyPorts({
    broker,
    stateLog,
    clock,
    delayMs: 1000,
    faults: { callFault: () => planned.shift() },
  });
  const written = async () => (await broker.offsets("t"))[0]?.high;
  return { ...ports, clock, stored: stateLog, written };
}

test("without a fault a call is the port's own", async () => {
  const { broker, stateLog, written, isDead } = await newPorts();
  await broker.produce(BATCHES);
  expect(await written()).toBe(1);
  expect(await stateLog.allotGeneration("f", 0)).toBe(1);
  expect(broker.recordBytesMax).toBe(1024 * 1024);
  expect(isDead()).toBe(false);
});

test("a crash before a call: it takes no effect, and neither does any later one, through any port", async () => {
  const { broker, stateLog, stored, written, isDead } = await newPorts("crash-before");
  await expect(broker.produce(BATCHES)).rejects.toThrow(new CrashError("the beginning of Broker.produce"));
  expect(isDead()).toBe(true);
  await expect(broker.produce(BATCHES)).rejects.toBeInstanceOf(CrashError);
  await expect(stateLog.allotGeneration("f", 0)).rejects.toBeInstanceOf(CrashError);
  expect([await written(), await stored.generationOf("f")]).toEqual([0, 0]);
});

test("a crash after a call: it took effect, and no later one does", async () => {
  const { broker, written, isDead } = await newPorts("crash-after");
  await expect(broker.produce(BATCHES)).rejects.toThrow("the end of Broker.produce");
  expect(isDead()).toBe(true);
  await expect(broker.produce(BATCHES)).rejects.toBeInstanceOf(CrashError);
  expect(await written()).toBe(1);
});

test("a lost reply: it took effect, and the environment lives", async () => {
  const { broker, stateLog, stored, written, isDead } = await newPorts("lost-reply", "lost-reply");
  await expect(broker.produce(BATCHES)).rejects.toMatchObject({ name: "MillraceError", code: "kafka" });
  const allotted = stateLog.allotGeneration("f", 0);
  await expect(allotted).rejects.toBeInstanceOf(MillraceError);
  await expect(allotted).rejects.toMatchObject({ code: "state-store" });
  expect(isDead()).toBe(false);
  expect([await written(), await stored.generationOf("f")]).toEqual([1, 1]);
  await broker.produce(BATCHES);
  expect(await written()).toBe(2);
});

test("a delayed call takes effect late; the reply of a slow one comes late", async () => {
  const { broker, written, clock } = await newPorts("delay", "slow-reply");
  let replies = 0;
  void broker.produce(BATCHES).then(() => (replies += 1));
  await clock.advance(999);
  expect([await written(), replies]).toEqual([0, 0]);
  await clock.advance(1);
  expect([await written(), replies]).toEqual([1, 1]);
  void broker.produce(BATCHES).then(() => (replies += 1));
  await clock.advance(999);
  expect([await written(), replies]).toEqual([2, 1]);
  await clock.advance(1);
  expect(replies).toBe(2);
});

test("a call that was delayed when the environment died takes no effect", async () => {
  const { broker, stateLog, written, clock } = await newPorts("delay", "crash-before");
  const delayed = expect(broker.produce(BATCHES)).rejects.toBeInstanceOf(CrashError);
  await expect(stateLog.generationOf("f")).rejects.toBeInstanceOf(CrashError);
  await clock.advance(2000);
  await delayed;
  expect(await written()).toBe(0);
});

test("closing an environment's ports leaves the real ones open", async () => {
  const { broker, stateLog, written } = await newPorts("crash-before");
  await broker.close();
  await stateLog.close();
  expect(await written()).toBe(0);
});
