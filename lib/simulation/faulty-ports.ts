/**
 * The ports as one execution environment sees them whose luck is bad: calls crash it, lose their replies, or take so long that nobody waits any more.
 *
 * 1. After a crash the environment is dead: every later call of it, through any port, rejects and takes no effect. So nothing that a crashed invocation
 *    goes on to do is seen by anybody, as when its process is gone.
 * 2. A call that crashes before takes no effect; one that crashes after, or whose reply is lost, took all of it.
 * 3. A delayed call takes effect late, and a slow reply comes late: by then somebody else may have done the same work.
 */

import type { Broker } from "../kafka/broker.ts";
import type { Clock } from "../local/clock.ts";
import type { StateLog } from "../state-log/state-log.ts";
import { type ErrorCode, MillraceError } from "../stream/error.ts";
import type { TableStore } from "../tables/table-store.ts";
import type { CallFault } from "./faults.ts";

/** The environment died here. No error of Millrace: nothing is to handle it. */
export class CrashError extends Error {
  constructor(call: string) {
    super(`The execution environment crashed at ${call}, on purpose.`);
    this.name = "CrashError";
  }
}

export type FaultyPorts = {
  readonly broker: Broker;
  readonly stateLog: StateLog;
  readonly tables?: TableStore;
  /** Whether it is of no use any more, and its host with its caches is to be thrown away. */
  readonly isDead: () => boolean;
};

export type FaultyPortsOptions = {
  readonly broker: Broker;
  readonly stateLog: StateLog;
  readonly tables?: TableStore;
  readonly faults: { callFault(): CallFault | undefined };
  readonly clock: Pick<Clock, "sleep">;
  /** Longer than the function's time limit, so that the invocation becomes a zombie. */
  readonly delayMs: number;
};

type Call = <T>(name: string, code: ErrorCode, work: () => Promise<T>) => Promise<T>;

/** Wraps the ports for one execution environment. Closing is not wrapped: the ports outlive it. */
export function createFaultyPorts({
  broker,
  stateLog,
  tables,
  faults,
  clock,
  delayMs,
}: FaultyPortsOptions): FaultyPorts {
  let isDead = false;
  const crash = (name: string): CrashError => {
    isDead = true;
    return new CrashError(name);
  };
  const call: Call = async (name, code, work) => {
    if (isDead) throw new CrashError(name);
    const fault = faults.callFault();
    switch (fault) {
      case undefined: {
        const result = await work();
        // It may have died meanwhile, in a call beside this one.
        if (isDead) throw new CrashError(name);
        return result;
      }
      case "crash-before":
        throw crash(`the beginning of ${name}`);
      case "crash-after":
        await work().catch(() => undefined);
        throw crash(`the end of ${name}`);
      case "lost-reply":
        await work();
        throw new MillraceError(code, `The reply of ${name} was lost, on purpose; it took effect.`);
      case "delay":
        await clock.sleep(delayMs);
        if (isDead) throw new CrashError(name);
        return work();
      case "slow-reply": {
        const result = await work();
        await clock.sleep(delayMs);
        if (isDead) throw new CrashError(name);
        return result;
      }
      default:
        return fault satisfies never;
    }
  };
  return {
    broker: wrapBroker(broker, call),
    stateLog: wrapStateLog(stateLog, call),
    ...(tables !== undefined && { tables: wrapTables(tables, call) }),
    isDead: () => isDead,
  };
}

function wrapBroker(broker: Broker, call: Call): Broker {
  const kafka = <T>(name: string, work: () => Promise<T>) => call(`Broker.${name}`, "kafka", work);
  return {
    recordBytesMax: broker.recordBytesMax,
    produce: (batches) => kafka("produce", () => broker.produce(batches)),
    prepareExactlyOnce: (partitions, once) => broker.prepareExactlyOnce(partitions, once),
    produceExactlyOnce: (batches, once) => kafka("produceExactlyOnce", () => broker.produceExactlyOnce(batches, once)),
    fetch: (topic, partition, offset, limits) => kafka("fetch", () => broker.fetch(topic, partition, offset, limits)),
    offsets: (topic) => kafka("offsets", () => broker.offsets(topic)),
    offsetRange: (topic, partition) => kafka("offsetRange", () => broker.offsetRange(topic, partition)),
    topics: () => kafka("topics", () => broker.topics()),
    ensureTopics: (topics) => kafka("ensureTopics", () => broker.ensureTopics(topics)),
    committedOffset: (group, topic, partition) =>
      kafka("committedOffset", () => broker.committedOffset(group, topic, partition)),
    commitOffset: (group, topic, partition, offset) =>
      kafka("commitOffset", () => broker.commitOffset(group, topic, partition, offset)),
    close: () => Promise.resolve(),
  };
}

function wrapTables(tables: TableStore, call: Call): TableStore {
  return {
    put: (...put) => call("TableStore.put", "state-store", () => tables.put(...put)),
    // Those who look and those who make them are no functions.
    ensureTables: (plans) => tables.ensureTables(plans),
    read: (table, nowMs) => tables.read(table, nowMs),
    ...(tables.takeUnits !== undefined && { takeUnits: (task: string) => tables.takeUnits!(task) }),
    close: () => Promise.resolve(),
  };
}

function wrapStateLog(stateLog: StateLog, call: Call): StateLog {
  const store = <T>(name: string, work: () => Promise<T>) => call(`StateLog.${name}`, "state-store", work);
  return {
    putEntry: (task, entry) => store("putEntry", () => stateLog.putEntry(task, entry)),
    readEntries: (task) => store("readEntries", () => stateLog.readEntries(task)),
    readSlot: (task, sequenceNumber) => store("readSlot", () => stateLog.readSlot(task, sequenceNumber)),
    putChunk: (task, chunk) => store("putChunk", () => stateLog.putChunk(task, chunk)),
    readChunks: (task) => store("readChunks", () => stateLog.readChunks(task)),
    generationOf: (functionName) => store("generationOf", () => stateLog.generationOf(functionName)),
    allotGeneration: (functionName, after) =>
      store("allotGeneration", () => stateLog.allotGeneration(functionName, after)),
    tasks: () => store("tasks", () => stateLog.tasks()),
    // Bookkeeping of this process: nothing that could fail.
    ...(stateLog.takeUnits !== undefined && { takeUnits: (task: string) => stateLog.takeUnits!(task) }),
    close: () => Promise.resolve(),
  };
}
