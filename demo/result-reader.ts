/** Reads the topic of results as any consumer would, a piece at a time, and drops repeats by the identity that each record carries. */

import type { Broker } from "../lib/kafka/broker.ts";
import { identityOf, isAbove, type SeenIdentity } from "../lib/wire/identity.ts";
import { headersAt, valueBytesAt } from "../lib/wire/record-columns.ts";
import type { Difference } from "./compare-windows.ts";
import type { WindowCounts } from "./direct-count.ts";

type WordCount = { readonly word: string; readonly count: number; readonly windowStartMs: number };

const FETCH_BYTES = 1024 * 1024;
const FETCH_RECORDS = 5_000;

export class ResultReader {
  readonly windows: WindowCounts = new Map();
  /** Words of windows that have more than one result, repeats not counted. There should be none. */
  readonly contradictions: Difference[] = [];
  records = 0;
  repeats = 0;
  readonly #broker: Broker;
  readonly #topicName: string;
  readonly #decode: (bytes: Uint8Array) => WordCount;
  readonly #nextOffsets: number[] = [];
  /** By partition and task: within a partition, the outputs of a task come in order. */
  readonly #seen = new Map<string, SeenIdentity>();

  constructor(
    broker: Broker,
    topic: { readonly topicName: string; readonly valueFormat: { decode(bytes: Uint8Array): WordCount } },
  ) {
    this.#broker = broker;
    this.#topicName = topic.topicName;
    this.#decode = (bytes) => topic.valueFormat.decode(bytes);
  }

  /** Reads what is there now, all of it. */
  async readOn(): Promise<void> {
    const ranges = await this.#broker.offsets(this.#topicName);
    for (const [partition, { low, high }] of ranges.entries()) {
      let offset = this.#nextOffsets[partition] ?? low;
      while (offset < high) {
        const limits = { bytesMax: FETCH_BYTES, recordsMax: FETCH_RECORDS };
        const { records, nextOffset } = await this.#broker.fetch(this.#topicName, partition, offset, limits);
        for (let i = 0; i < records.count; i += 1) {
          const bytes = valueBytesAt(records, i);
          if (bytes === null || this.#isRepeat(partition, headersAt(records, i))) continue;
          this.#add(this.#decode(bytes));
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

  #add({ word, count, windowStartMs }: WordCount): void {
    let counts = this.windows.get(windowStartMs);
    if (counts === undefined) this.windows.set(windowStartMs, (counts = new Map()));
    const before = counts.get(word);
    if (before !== undefined) this.contradictions.push({ windowStartMs, word, expected: before, actual: count });
    counts.set(word, count);
  }
}
