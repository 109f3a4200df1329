/** A host for one execution environment on this machine. */

import { randomUUID } from "node:crypto";
import type { Broker } from "../kafka/broker.ts";
import type { Host } from "../runtime/host.ts";
import type { TaskReport } from "../runtime/report.ts";
import type { StateLog } from "../state-log/state-log.ts";
import type { Topology } from "../stream/plan.ts";
import type { TableStore } from "../tables/table-store.ts";

export type LocalHostOptions = {
  readonly topology: Topology;
  readonly broker: Broker;
  readonly stateLog: StateLog;
  readonly tables?: TableStore;
  readonly now: () => number;
  readonly wake: Host["wake"];
  readonly report: (report: TaskReport) => void;
  readonly strict?: boolean;
} & Pick<Host, "after" | "commitLimits" | "replaced" | "settings" | "taken" | "writeInstead">;

/** A new environment: with a warm cache of its own, which ends with it. */
export function newHost({ strict = false, ...rest }: LocalHostOptions): Host {
  return { ...rest, strict, newAttemptId: randomUUID };
}
