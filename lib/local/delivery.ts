/**
 * Delivers one batch until it is done, given up, or the mapping stops. Within a batch one invocation at a time, its records in order: this is what
 * keeps a partition in order, since nobody else delivers the batch's partitions meanwhile.
 */

import { countRecords, positionsAfter, type Slice, splitAtOffsets, splitExpired, splitSlices } from "./batching.ts";
import type { Clock } from "./clock.ts";
import { columnsEventOf } from "./event-columns.ts";
import { type EventOrigin, writeEvent } from "./event-json.ts";
import { invoke, type LocalFunction } from "./invocation.ts";
import type { Discarded, MappingFaults, MappingNotice } from "./mapping-options.ts";
import { type BatchView, decide, type RetryPolicy } from "./retry-policy.ts";

/** What a mapping has counted since it was made. */
export type MappingCounters = {
  invocations: number;
  /** Records that are done, each once; those given up are not among them. */
  records: number;
  /** Invocations of records that an earlier one had and failed on. */
  retries: number;
  failures: number;
  timeouts: number;
  /** Handlers that still run although nobody waits for them. */
  zombies: number;
  /** Batches delivered once more on purpose. */
  duplicates: number;
  discarded: number;
  resets: number;
};

/** What a delivery needs of its mapping. */
export type DeliveryWorld = {
  readonly origin: EventOrigin;
  readonly target: LocalFunction;
  readonly clock: Clock;
  readonly policy: RetryPolicy;
  readonly recordAgeMaxMs: number;
  readonly faults: MappingFaults | undefined;
  readonly newRequestId: (() => string) | undefined;
  readonly counters: MappingCounters;
  observe(notice: MappingNotice): void;
  /** Partitions are done below these offsets. */
  advance(positions: ReadonlyMap<number, number>): Promise<void>;
  /** Hands records to whoever is to have them; rejects where that failed. */
  hand(discarded: Discarded, slices: readonly Slice[]): Promise<void>;
};

type Piece = {
  readonly slices: readonly Slice[];
  /** Failed invocations that count against the limit. */
  readonly attempts: number;
  /** Failed invocations in a row, for the backoff. */
  readonly failures: number;
  readonly invocations: number;
  readonly error: unknown;
  readonly isDuplicate: boolean;
};

/** Returns whether all of the batch is done or given up; otherwise the signal was aborted, and what is left is as if it had never been read. */
export async function deliver(batch: readonly Slice[], world: DeliveryWorld, signal: AbortSignal): Promise<boolean> {
  const { clock, counters, faults, policy } = world;
  const pieces: Piece[] = [newPiece(batch)];
  for (let piece = pieces.shift(); piece !== undefined; piece = pieces.shift()) {
    if (signal.aborted) return false;
    const records = countRecords(piece.slices);
    const cut = records > 1 ? faults?.splitBatch(records) : undefined;
    if (cut !== undefined && cut > 0 && cut < records) {
      pieces.unshift(...halvesOf(piece, cut));
      continue;
    }
    const [expired, young] = splitExpired(piece.slices, clock.now() - world.recordAgeMaxMs);
    if (expired.length > 0) {
      if (!(await discard({ ...piece, slices: expired }, "RecordAgeExceeded", world, signal))) return false;
      if (young.length > 0) pieces.unshift({ ...piece, slices: young });
      continue;
    }

    const startMs = clock.now();
    if (piece.failures > 0) counters.retries += 1;
    counters.invocations += 1;
    const options = { clock, timeoutEarly: faults?.timeoutEarly() ?? false };
    const outcome = await invoke(
      world.target,
      world.target.acceptsColumns === true
        ? columnsEventOf(world.origin.topic, piece.slices)
        : writeEvent(world.origin, piece.slices),
      world.newRequestId === undefined ? options : { ...options, newRequestId: world.newRequestId },
      (ended) => {
        counters.zombies += 1;
        void ended.then(() => (counters.zombies -= 1));
      },
    );
    if (outcome.kind === "timed-out") counters.timeouts += 1;
    if (outcome.kind === "failed") counters.failures += 1;
    const partitions = [...positionsAfter(piece.slices).keys()];
    world.observe({ kind: "invoked", records, partitions, outcome, tookMs: clock.now() - startMs });

    const verdict = decide(
      outcome,
      policy,
      { records, attempts: piece.attempts, failures: piece.failures },
      viewOf(world.origin.topic, piece.slices),
    );
    const failed = {
      ...piece,
      failures: piece.failures + 1,
      invocations: piece.invocations + 1,
      error: outcome.kind === "succeeded" ? undefined : outcome.error,
    };
    switch (verdict.kind) {
      case "done":
        if (!piece.isDuplicate && faults?.duplicateDelivery() === true) {
          counters.duplicates += 1;
          pieces.unshift({ ...piece, isDuplicate: true });
        } else await complete(piece.slices, world);
        break;
      case "partly-done": {
        const [head, tail] = splitAtOffsets(piece.slices, verdict.failedFrom);
        await complete(head, world);
        await clock.sleep(verdict.afterMs, signal);
        pieces.unshift({ ...newPiece(tail), failures: 1 });
        break;
      }
      case "again":
        await clock.sleep(verdict.afterMs, signal);
        pieces.unshift({ ...failed, attempts: piece.attempts + 1 });
        break;
      case "bisect":
        await clock.sleep(verdict.afterMs, signal);
        pieces.unshift(...halvesOf(failed, Math.ceil(records / 2)));
        break;
      case "discard":
        if (!(await discard(failed, "RetryAttemptsExhausted", world, signal))) return false;
        break;
      default:
        verdict satisfies never;
    }
  }
  return true;
}

function newPiece(slices: readonly Slice[]): Piece {
  return { slices, attempts: 0, failures: 0, invocations: 0, error: undefined, isDuplicate: false };
}

function halvesOf(piece: Piece, records: number): readonly [Piece, Piece] {
  const [head, tail] = splitSlices(piece.slices, records);
  return [
    { ...piece, slices: head },
    { ...piece, slices: tail },
  ];
}

async function complete(slices: readonly Slice[], world: DeliveryWorld): Promise<void> {
  world.counters.records += countRecords(slices);
  await world.advance(positionsAfter(slices));
}

/** Gives records up. Skipping them without having handed them over would lose them, so that is tried until it works or the mapping stops. */
async function discard(
  piece: Piece,
  condition: Discarded["condition"],
  world: DeliveryWorld,
  signal: AbortSignal,
): Promise<boolean> {
  const { policy, origin, clock, counters } = world;
  const discarded: Discarded = {
    condition,
    functionName: world.target.name,
    topic: origin.topic,
    partitions: rangesOf(piece.slices),
    invocations: piece.invocations,
    error: piece.error,
    eventText: writeEvent(origin, piece.slices),
  };
  for (let failures = 0; ; failures += 1) {
    try {
      await world.hand(discarded, piece.slices);
      break;
    } catch (error) {
      world.observe({ kind: "broker-failed", error });
      await clock.sleep(Math.min(policy.backoffMaxMs, policy.backoffFirstMs * 2 ** failures), signal);
      if (signal.aborted) return false;
    }
  }
  counters.discarded += countRecords(piece.slices);
  world.observe({ kind: "discarded", discarded });
  await world.advance(positionsAfter(piece.slices));
  return true;
}

function rangesOf(slices: readonly Slice[]): Discarded["partitions"] {
  const ranges = new Map<number, { partition: number; firstOffset: number; lastOffset: number; records: number }>();
  for (const { partition, columns, from, to } of slices) {
    const lastOffset = columns.offsets[to - 1] as number;
    const range = ranges.get(partition);
    if (range === undefined)
      ranges.set(partition, {
        partition,
        firstOffset: columns.offsets[from] as number,
        lastOffset,
        records: to - from,
      });
    else {
      range.lastOffset = lastOffset;
      range.records += to - from;
    }
  }
  return [...ranges.values()];
}

function viewOf(topic: string, slices: readonly Slice[]): BatchView {
  const firstOffset = (partition: number) => {
    const slice = slices.find((slice) => slice.partition === partition);
    return slice === undefined ? Number.NaN : (slice.columns.offsets[slice.from] as number);
  };
  const has = (partition: number, offset: number) =>
    slices.some(
      (slice) => slice.partition === partition && slice.columns.offsets.subarray(slice.from, slice.to).includes(offset),
    );
  return { topic, partitions: () => positionsAfter(slices).size, firstOffset, has };
}
