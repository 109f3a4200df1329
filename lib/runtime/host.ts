/** What a function needs around it, wherever it runs: the ports, a clock, and who to tell. The handler finds it on the invocation's context. */

import type { Broker } from "../kafka/broker.ts";
import type { StateLog } from "../state-log/state-log.ts";
import type { AsyncSpec } from "../stream/async-function.ts";
import type { Topology } from "../stream/plan.ts";
import type { OutsideSpec, SinkElement } from "../stream/sink.ts";
import type { TableStore } from "../tables/table-store.ts";
import type { CommitLimits } from "./commit-limits.ts";
import type { TaskReport } from "./report.ts";
import type { SettingsSource } from "./settings-source.ts";

/** One execution environment, as Lambda has them: its warm cache is its own, and a crash ends it. */
export interface Host {
  readonly topology: Topology;
  readonly stateLog: StateLog;
  readonly broker: Broker;
  /** Where rows of tables go; absent where no operator writes any. */
  readonly tables?: TableStore;
  /** Epoch milliseconds of the machine. */
  now(): number;
  /** A fresh attempt id, unique among all writers. */
  newAttemptId(): string;
  /**
   * Asks for a tick of a task at a time, or for none; outside the commit, so best effort: the log's `wakeAtMs` is the truth. `sequenceNumber` is that of
   * the commit whose wish it is: what a zombie asks for late, as of an older commit, must not replace what a newer one asked for.
   */
  wake(functionName: string, topic: string, partition: number, atMs: number | null, sequenceNumber: number): void;
  /** Told once per commit that won. */
  report(report: TaskReport): void;
  /** Runs every batch twice and compares (the test driver). */
  readonly strict: boolean;
  /** Runs `work` after `ms`, unless what is returned was called before. Default: this machine's timers. Calls to the outside are bounded by it. */
  after?(ms: number, work: () => void): () => void;
  /** What writes instead of a sink's own function (the test driver); what the sink declares is not needed then. */
  writeInstead?(sink: OutsideSpec): OutsideSpec["write"] | undefined;
  /** Told what a sink took (the test driver). */
  taken?(sink: OutsideSpec, elements: readonly SinkElement<unknown>[]): void;
  /** Where declared settings and secrets come from. Default: this machine's environment. */
  readonly settings?: SettingsSource;
  /** Functions that are called instead of asynchronous ones (the test driver); what those declare is not needed then. */
  readonly replaced?: ReadonlyMap<AsyncSpec, (value: unknown, call: unknown) => unknown>;
  /** How much one commit fires; COMMIT_LIMITS where it says nothing. */
  readonly commitLimits?: CommitLimits | undefined;
}

/** The property of an invocation's context under which a local runtime hands its host to the handler. */
export const HOST: unique symbol = Symbol.for("millrace.host");
