/** Reads the counts that the operator wrote, window by window and word by word. */

import type { Broker } from "../lib/kafka/broker.ts";
import type { Difference } from "./compare-windows.ts";
import type { WindowCounts } from "./direct-count.ts";
import { type ReadableTopic, TopicReader } from "./topic-reader.ts";

type WordCount = { readonly word: string; readonly count: number; readonly windowStartMs: number };

export class ResultReader {
  readonly windows: WindowCounts = new Map();
  /** Words of windows that have more than one result, repeats not counted. There should be none. */
  readonly contradictions: Difference[] = [];
  readonly #reader: TopicReader<WordCount>;

  constructor(broker: Broker, topic: ReadableTopic<WordCount>) {
    this.#reader = new TopicReader(broker, topic, (count) => this.#add(count));
  }

  get records(): number {
    return this.#reader.records;
  }

  get repeats(): number {
    return this.#reader.repeats;
  }

  /** Reads what is there now, all of it. */
  readOn(): Promise<void> {
    return this.#reader.readOn();
  }

  #add({ word, count, windowStartMs }: WordCount): void {
    let counts = this.windows.get(windowStartMs);
    if (counts === undefined) this.windows.set(windowStartMs, (counts = new Map()));
    const before = counts.get(word);
    if (before !== undefined) this.contradictions.push({ windowStartMs, word, expected: before, actual: count });
    counts.set(word, count);
  }
}
