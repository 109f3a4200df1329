/** Reads what a side writes while it writes it, and compares every result with the direct count. */

import type { Broker } from "../../lib/kafka/broker.ts";
import { valueBytesAt } from "../../lib/wire/record-columns.ts";
import { type Count, resultKey } from "./views.ts";

const FETCH = { bytesMax: 2 ** 22, recordsMax: 50_000 };

/** What a side promises of its results. */
export type Promised =
  /** One result per user and window, and never two. */
  | "each once"
  /** The same, but it may come again. */
  | "each, perhaps repeated"
  /** Counts so far; the last one is the result. */
  | "updates";

export class Results {
  readonly #broker: Broker;
  readonly #topic: string;
  readonly #promised: Promised;
  readonly #expected: ReadonlyMap<string, number>;
  readonly #last = new Map<string, number>();
  readonly #positions = new Map<number, number>();
  #right = 0;
  #records = 0;

  constructor(broker: Broker, topic: string, promised: Promised, expected: ReadonlyMap<string, number>) {
    this.#broker = broker;
    this.#topic = topic;
    this.#promised = promised;
    this.#expected = expected;
  }

  /** How much of what is to come is there, from 0 to 1. */
  get share(): number {
    return this.#right / this.#expected.size;
  }

  /** Records of the topic, repeats and updates included. */
  get records(): number {
    return this.#records;
  }

  /** Reads what is there now, committed transactions alone. Throws where a result is wrong, or is there twice though each is promised once. */
  async readOn(): Promise<void> {
    const ranges = await this.#broker.offsets(this.#topic);
    for (const [partition, { high }] of ranges.entries()) {
      for (let at = this.#positions.get(partition) ?? 0; at < high; ) {
        const { records, nextOffset } = await this.#broker.fetch(this.#topic, partition, at, FETCH);
        if (nextOffset === at) break;
        for (let i = 0; i < records.count; i += 1) this.#add(String(Buffer.from(valueBytesAt(records, i) ?? [])));
        at = nextOffset;
        this.#positions.set(partition, at);
      }
    }
  }

  #add(text: string): void {
    const { user, count, startMs } = JSON.parse(text) as Count;
    const key = resultKey(user, startMs);
    const expected = this.#expected.get(key);
    const before = this.#last.get(key);
    this.#records += 1;
    const isWrong =
      expected === undefined ||
      (this.#promised === "updates" ? count > expected : count !== expected) ||
      (this.#promised === "each once" && before !== undefined);
    if (isWrong)
      throw new Error(`${this.#topic} is wrong: ${text}, ${expected} expected, ${before ?? "none"} there before.`);
    this.#last.set(key, count);
    if (count === expected && before !== expected) this.#right += 1;
    if (count !== expected && before === expected) this.#right -= 1;
  }
}
