/** Reads a topic as any consumer would, a piece at a time, and drops repeats by the identity that each record carries. */

import type { Broker } from "../lib/kafka/broker.ts";
import { identityOf, isAbove, type SeenIdentity } from "../lib/wire/identity.ts";
import { headersAt, valueBytesAt } from "../lib/wire/record-columns.ts";

const FETCH_BYTES = 1024 * 1024;
const FETCH_RECORDS = 5_000;

/** What is asked of a topic: its name, and what its values are. */
export type ReadableTopic<Out> = {
  readonly topicName: string;
  readonly valueFormat: { decode(bytes: Uint8Array): Out };
};

export class TopicReader<Out> {
  records = 0;
  repeats = 0;
  readonly #broker: Broker;
  readonly #topic: ReadableTopic<Out>;
  readonly #add: (value: Out) => void;
  readonly #nextOffsets: number[] = [];
  /** By partition and task: within a partition, the outputs of a task come in order. */
  readonly #seen = new Map<string, SeenIdentity>();

  /** `add` is given each value once. */
  constructor(broker: Broker, topic: ReadableTopic<Out>, add: (value: Out) => void) {
    this.#broker = broker;
    this.#topic = topic;
    this.#add = add;
  }

  /** Reads what is there now, all of it. */
  async readOn(): Promise<void> {
    const { topicName, valueFormat } = this.#topic;
    const ranges = await this.#broker.offsets(topicName);
    for (const [partition, { low, high }] of ranges.entries()) {
      let offset = this.#nextOffsets[partition] ?? low;
      while (offset < high) {
        const limits = { bytesMax: FETCH_BYTES, recordsMax: FETCH_RECORDS };
        const { records, nextOffset } = await this.#broker.fetch(topicName, partition, offset, limits);
        for (let i = 0; i < records.count; i += 1) {
          const bytes = valueBytesAt(records, i);
          if (bytes === null || this.#isRepeat(partition, headersAt(records, i))) continue;
          this.#add(valueFormat.decode(bytes));
        }
        offset = nextOffset;
        this.#nextOffsets[partition] = offset;
      }
    }
  }

  #isRepeat(partition: number, headers: Parameters<typeof identityOf>[0]): boolean {
    this.records += 1;
    const identity = identityOf(headers);
    if (identity === undefined) return false;
    const sender = `${partition} ${identity.task}`;
    if (!isAbove(identity, this.#seen.get(sender))) {
      this.repeats += 1;
      return true;
    }
    this.#seen.set(sender, [identity.generation, identity.sequenceNumber, identity.index]);
    return false;
  }
}
