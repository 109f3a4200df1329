/**
 * The transaction coordinator of the simulated Kafka: states and answers are those of Kafka's TransactionCoordinator, for clients before transactions
 * of version 2.
 *
 * 1. Who asks for the id raises its epoch; nobody with a lower one does anything any more.
 * 2. It is given only when nothing is open: what is open is aborted first, and the asker told to come again (CONCURRENT_TRANSACTIONS).
 * 3. An end is acknowledged when it is decided. Each partition and group learns of it later by itself; the next transaction waits for the last.
 */

import type { ProducerIdentity } from "../kafka/transaction-requests.ts";
import { CODE } from "./simulated-kafka-codes.ts";
import type { End } from "./simulated-kafka-part.ts";

/** Coordinators are not elected here. */
const COORDINATOR_EPOCH = 0;
/** Kafka's transaction.max.timeout.ms. */
const TIMEOUT_MS_MAX = 900_000;
/** The highest epoch is never given, so that whoever has the one before can be fenced. */
const EPOCH_MAX = 32_767;

/** A partition in a transaction, which is told the end, and answers with a code. */
export type Part = { readonly topic: string; readonly partition: number; readonly end: (end: End) => number };

/** In Kafka's words. */
type State = "Empty" | "Ongoing" | "PrepareCommit" | "PrepareAbort" | "CompleteCommit" | "CompleteAbort";

type Transaction = {
  producerId: number;
  producerEpoch: number;
  timeoutMs: number;
  state: State;
  readonly parts: Map<string, Part>;
  startedAtMs: number;
};

type Outside = { now(): number; later(name: string, work: () => void): void };

export class SimulatedTransactions {
  readonly #outside: Outside;
  readonly #transactions = new Map<string, Transaction>();
  readonly #ongoing = new Set<Transaction>();
  #producerIds = 0;

  constructor(outside: Outside) {
    this.#outside = outside;
  }

  /** InitProducerId of a client that does not say which epoch it has. */
  takeOver(id: string, timeoutMs: number): { readonly code: number; readonly identity?: ProducerIdentity } {
    if (id === "") return { code: CODE.INVALID_REQUEST };
    if (timeoutMs <= 0 || timeoutMs > TIMEOUT_MS_MAX) return { code: CODE.INVALID_TRANSACTION_TIMEOUT };
    let transaction = this.#transactions.get(id);
    if (transaction === undefined) {
      transaction = { ...this.#newProducer(), timeoutMs, state: "Empty", parts: new Map(), startedAtMs: -1 };
      transaction.producerEpoch = -1;
      this.#transactions.set(id, transaction);
    }
    switch (transaction.state) {
      case "Ongoing":
        this.#fence(transaction);
        return { code: CODE.CONCURRENT_TRANSACTIONS };
      case "PrepareAbort":
      case "PrepareCommit":
        return { code: CODE.CONCURRENT_TRANSACTIONS };
    }
    if (transaction.producerEpoch >= EPOCH_MAX - 1) Object.assign(transaction, this.#newProducer());
    else transaction.producerEpoch += 1;
    transaction.state = "Empty";
    transaction.timeoutMs = timeoutMs;
    const { producerId, producerEpoch } = transaction;
    return { code: CODE.NONE, identity: { producerId, producerEpoch } };
  }

  /** Adds partitions or a group, and begins the transaction where none is open. */
  add(id: string, identity: ProducerIdentity, parts: readonly Part[]): number {
    const { transaction, code } = this.#of(id, identity);
    if (transaction === undefined) return code;
    if (isEnding(transaction)) return CODE.CONCURRENT_TRANSACTIONS;
    if (transaction.state !== "Ongoing") {
      transaction.state = "Ongoing";
      transaction.startedAtMs = this.#outside.now();
      this.#ongoing.add(transaction);
    }
    for (const part of parts) transaction.parts.set(nameOf(part.topic, part.partition), part);
    return CODE.NONE;
  }

  /** Whether a part is in the transaction that is open now: asked before the first write to it. */
  verify(id: string, identity: ProducerIdentity, topic: string, partition: number): number {
    const { transaction, code } = this.#of(id, identity);
    if (transaction === undefined) return code;
    if (isEnding(transaction)) return CODE.CONCURRENT_TRANSACTIONS;
    return transaction.parts.has(nameOf(topic, partition)) ? CODE.NONE : CODE.INVALID_TXN_STATE;
  }

  /** EndTxn. */
  end(id: string, identity: ProducerIdentity, isCommit: boolean): number {
    const { transaction, code } = this.#of(id, identity);
    if (transaction === undefined) return code;
    switch (transaction.state) {
      case "Ongoing":
        this.#prepare(transaction, isCommit);
        return CODE.NONE;
      case "PrepareCommit":
        return isCommit ? CODE.CONCURRENT_TRANSACTIONS : CODE.INVALID_TXN_STATE;
      case "PrepareAbort":
        return isCommit ? CODE.INVALID_TXN_STATE : CODE.CONCURRENT_TRANSACTIONS;
      case "CompleteCommit":
        return isCommit ? CODE.NONE : CODE.INVALID_TXN_STATE;
      case "CompleteAbort":
        return isCommit ? CODE.INVALID_TXN_STATE : CODE.NONE;
      case "Empty":
        return CODE.INVALID_TXN_STATE;
    }
  }

  /** DescribeTransactions. */
  describe(
    id: string,
  ): (ProducerIdentity & { state: State; timeoutMs: number; startedAtMs: number; parts: Part[] }) | undefined {
    const transaction = this.#transactions.get(id);
    return transaction && { ...transaction, parts: [...transaction.parts.values()] };
  }

  /** Sees to it that transactions are aborted, soon, whose time is over. */
  expire(): void {
    const now = this.#outside.now();
    for (const transaction of this.#ongoing) {
      if (transaction.startedAtMs + transaction.timeoutMs >= now) continue;
      this.#ongoing.delete(transaction);
      const { startedAtMs, producerEpoch } = transaction;
      this.#outside.later("AbortTimedOutTransaction", () => {
        const isSame = transaction.startedAtMs === startedAtMs && transaction.producerEpoch === producerEpoch;
        if (isSame && transaction.state === "Ongoing") this.#fence(transaction);
      });
    }
  }

  /** Aborts what is open under an epoch that nobody is given. */
  #fence(transaction: Transaction): void {
    transaction.producerEpoch += 1;
    this.#prepare(transaction, false);
  }

  #prepare(transaction: Transaction, isCommit: boolean): void {
    transaction.state = isCommit ? "PrepareCommit" : "PrepareAbort";
    this.#ongoing.delete(transaction);
    const { producerId, producerEpoch, parts } = transaction;
    const end = { producerId, producerEpoch, coordinatorEpoch: COORDINATOR_EPOCH, isCommit };
    const complete = () => {
      if (parts.size === 0) transaction.state = isCommit ? "CompleteCommit" : "CompleteAbort";
    };
    for (const [name, part] of [...parts]) {
      this.#outside.later("WriteTxnMarkers", () => {
        // Where an end is refused, nobody sends it again.
        if (part.end({ ...end, nowMs: this.#outside.now() }) !== CODE.NONE) return;
        parts.delete(name);
        complete();
      });
    }
    complete();
  }

  #of(id: string, identity: ProducerIdentity): { readonly transaction?: Transaction; readonly code: number } {
    const transaction = this.#transactions.get(id);
    if (transaction?.producerId !== identity.producerId) return { code: CODE.INVALID_PRODUCER_ID_MAPPING };
    // Kafka calls it PRODUCER_FENCED only to clients who ask in later versions.
    if (transaction.producerEpoch !== identity.producerEpoch) return { code: CODE.INVALID_PRODUCER_EPOCH };
    return { transaction, code: CODE.NONE };
  }

  #newProducer(): ProducerIdentity {
    this.#producerIds += 1;
    return { producerId: this.#producerIds, producerEpoch: 0 };
  }
}

/** "orders-0". */
export function nameOf(topic: string, partition: number): string {
  return `${topic}-${partition}`;
}

function isEnding({ state }: Transaction): boolean {
  return state === "PrepareCommit" || state === "PrepareAbort";
}
