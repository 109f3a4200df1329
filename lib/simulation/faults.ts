/**
 * A plan of faults that follows from a seed: every decision is drawn in the order in which it is asked for, so that the same seed and the same
 * order of calls give the same faults.
 */

import type { MappingFaults } from "../local/mapping-options.ts";
import { createRandom } from "./random.ts";

/** What may go wrong with a call to a port. */
export type CallFault = "crash-before" | "crash-after" | "lost-reply" | "delay" | "slow-reply";

/** What was injected, by kind. */
export type FaultCounts = {
  crashes: number;
  lostReplies: number;
  delays: number;
  duplicates: number;
  splits: number;
  timeouts: number;
};

export interface Faults extends MappingFaults {
  /** What happens to the next call, if anything. */
  callFault(): CallFault | undefined;
  readonly counts: Readonly<FaultCounts>;
}

export type FaultOptions = {
  readonly seed: number;
  /** Of a fault per invocation, about: 0 (none) to 1. */
  readonly probability: number;
  /** Calls of ports in one invocation, about; the probability is spread over them. */
  readonly callsPerInvocation?: number;
};

const CALLS_PER_INVOCATION_DEFAULT = 5;

/** How the faults of an invocation are shared out. */
const SHARE = { calls: 0.6, duplicate: 0.15, split: 0.15, timeout: 0.1 };

const CALL_FAULTS: readonly CallFault[] = ["crash-before", "crash-after", "lost-reply", "delay", "slow-reply"];

/** A plan with its own generator. */
export function createFaults({
  seed,
  probability,
  callsPerInvocation = CALLS_PER_INVOCATION_DEFAULT,
}: FaultOptions): Faults {
  const random = createRandom(seed);
  const counts: FaultCounts = { crashes: 0, lostReplies: 0, delays: 0, duplicates: 0, splits: 0, timeouts: 0 };
  const occurs = (share: number) => random() < probability * share;
  return {
    counts,
    callFault() {
      if (!occurs(SHARE.calls / callsPerInvocation)) return undefined;
      const fault = CALL_FAULTS[Math.floor(random() * CALL_FAULTS.length)] as CallFault;
      if (fault === "lost-reply") counts.lostReplies += 1;
      else if (fault === "delay" || fault === "slow-reply") counts.delays += 1;
      else counts.crashes += 1;
      return fault;
    },
    duplicateDelivery() {
      if (!occurs(SHARE.duplicate)) return false;
      counts.duplicates += 1;
      return true;
    },
    splitBatch(count) {
      if (count < 2 || !occurs(SHARE.split)) return undefined;
      counts.splits += 1;
      return 1 + Math.floor(random() * (count - 1));
    },
    timeoutEarly() {
      if (!occurs(SHARE.timeout)) return false;
      counts.timeouts += 1;
      return true;
    },
  };
}

/** All that was injected. */
export function countFaults(counts: Readonly<FaultCounts>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
