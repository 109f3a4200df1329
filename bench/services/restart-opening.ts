/** Opens a task's state as a new execution environment does, and says what it took. Started as a process of its own by restart.ts. */

import { openTask } from "../../lib/runtime/open-task.ts";
import { toTaskName } from "../../lib/runtime/task-name.ts";
import { openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { FolderBlobStore } from "../../lib/state-log/folder-blob-store.ts";
import type { FunctionPlan } from "../../lib/stream/plan.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { tableOf } from "./environment.ts";
import { keepLast, READINGS_TOPIC } from "./restart-input.ts";

export type Opened = {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly readUnits: number;
  readonly cells: number;
  /** Bytes of the state as JSON. */
  readonly rawBytes: number;
  /** Of the process: before, and at the most. */
  readonly rssBeforeBytes: number;
  readonly rssMaxBytes: number;
};

const [endpoint, application, folder] = process.argv.slice(2) as [string, string, string | undefined];

const log = await openDynamoDbStateLog({
  endpoint,
  table: tableOf(application),
  ...(folder !== undefined && { chunkBlobs: new FolderBlobStore(folder) }),
});
const plan = buildTopology(application, [keepLast.definition]).functions[0] as FunctionPlan;
const name = toTaskName(application, plan.name, READINGS_TOPIC, 0, 0);
const rssBeforeBytes = process.memoryUsage().rss;
const before = process.cpuUsage();
const startMs = performance.now();
const task = await openTask(log, plan, name, 1_000_000);
const wallSeconds = (performance.now() - startMs) / 1_000;
const { user, system } = process.cpuUsage(before);
const opened: Omit<Opened, "rawBytes"> = {
  wallSeconds,
  cpuSeconds: (user + system) / 1e6,
  readUnits: log.units.read,
  cells: task.state.size,
  rssBeforeBytes,
  rssMaxBytes: process.resourceUsage().maxRSS * 1_024,
};
// Only now: this takes memory of its own.
const rawBytes = Buffer.byteLength(JSON.stringify(task.state.encode()));
process.stdout.write(`${JSON.stringify({ ...opened, rawBytes } satisfies Opened)}\n`);
process.exit(0);
