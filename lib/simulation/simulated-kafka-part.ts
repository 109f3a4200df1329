/** What can be part of a transaction in the simulated Kafka: a partition of records, or one of groups' offsets. */

import type { ProducerIdentity } from "../kafka/transaction-requests.ts";

/** The end of a transaction as it is written into one part. */
export type End = ProducerIdentity & {
  readonly coordinatorEpoch: number;
  readonly isCommit: boolean;
  readonly nowMs: number;
};

/** What a part knows of a producer; −1 for what there is not. */
export type DescribedProducer = ProducerIdentity & {
  readonly coordinatorEpoch: number;
  readonly lastSequence: number;
  /** Of the transaction that is open here. */
  readonly startOffset: number;
};

export interface TransactionalPart {
  /** Writes the end of a producer's transaction, whether there is one here or not. Returns a code of Kafka's. */
  end(end: End): number;
  producers(): DescribedProducer[];
}
