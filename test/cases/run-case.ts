/** Runs a case on the engine, step by step, and compares what it says. */

import { at, type TestDriver, type TopicElement, testDriver } from "millrace";
import { expect } from "vitest";
import { buildPipeline, type Input, type Pipeline } from "./build-pipeline.ts";
import type { Case, CaseElement, CaseResult, CaseStep } from "./case-format.ts";

/** In which way a case is run: results must be the same. */
export type Manner = {
  readonly name: string;
  /** Everything but the log is forgotten after every batch. */
  readonly restartAfterEveryBatch: boolean;
  /** Every element is a batch of its own. */
  readonly oneByOne: boolean;
};

export const MANNERS: readonly Manner[] = [
  { name: "straight", restartAfterEveryBatch: false, oneByOne: false },
  { name: "element by element", restartAfterEveryBatch: false, oneByOne: true },
  { name: "with a new environment after every batch", restartAfterEveryBatch: true, oneByOne: false },
];

/** Runs a case; throws an assertion error that names the step which did not say what it should. */
export async function runCase(one: Case, { restartAfterEveryBatch, oneByOne }: Manner): Promise<void> {
  const pipeline = buildPipeline(one);
  await using driver = await testDriver(pipeline.operator, {
    partitions: "declared",
    restartAfterEveryBatch,
    startMs: one.startsAt ?? 0,
  });
  const run = new Run(pipeline, driver, oneByOne);
  for (const [i, step] of one.steps.entries()) await run.take(step, `step ${i + 1}: ${JSON.stringify(step)}`);
  await run.end();
}

class Run {
  readonly #pipeline: Pipeline;
  readonly #driver: TestDriver;
  readonly #oneByOne: boolean;
  #results = 0;
  #late = 0;
  #dropped = 0;

  constructor(pipeline: Pipeline, driver: TestDriver, oneByOne: boolean) {
    this.#pipeline = pipeline;
    this.#driver = driver;
    this.#oneByOne = oneByOne;
  }

  async take(step: CaseStep, where: string): Promise<void> {
    if ("send" in step) await this.#send(step);
    else if ("watermark" in step)
      await this.#driver.advanceWatermark(step.watermark === "end" ? Number.POSITIVE_INFINITY : step.watermark);
    else if ("clock" in step) await this.#driver.advanceClock(step.clock - this.#driver.nowMs);
    else if ("restart" in step) await this.#driver.restart();
    else if ("expect" in step) {
      const said = await this.#newResults(step.expect);
      const [actual, wanted] = step.inAnyOrder === true ? [sorted(said), sorted(step.expect)] : [said, step.expect];
      expect(actual, where).toEqual(wanted);
    } else if ("expectLate" in step) {
      expect(typeof step.expectLate === "number" ? this.#newDropped() : await this.#newLate(), where).toEqual(
        step.expectLate,
      );
    } else expect(await this.#driver.state(this.#pipeline.operator), where).toEqual([]);
  }

  /** Nothing failed, and nothing was said after the last expectation. */
  async end(): Promise<void> {
    expect(await this.#driver.deadLetters(this.#pipeline.operator), "dead letters").toEqual([]);
    expect(await this.#newResults([]), "results after the last expectation").toEqual([]);
  }

  async #send({ send, to, partition }: Extract<CaseStep, { send: unknown }>): Promise<void> {
    const topic = this.#pipeline.inputs[to ?? "left"];
    for (const batch of this.#oneByOne ? send.map((element) => [element]) : [send])
      await this.#driver.send<Input | null, string>(
        topic as typeof topic & Parameters<TestDriver["send"]>[0],
        ...batch.map(([key, value, timestampMs]) =>
          at(timestampMs, value === null ? null : { key, value }, {
            key,
            partition: partition ?? 0,
          }),
        ),
      );
  }

  async #newResults(wanted: readonly CaseResult[]): Promise<CaseResult[]> {
    const all = first(await this.#driver.readRecords(this.#pipeline.results));
    const added = all.slice(this.#results);
    this.#results = all.length;
    // Only what a case cares for.
    const { at: withTimes, window: withWindows } = wanted[0] ?? {};
    return added.map(({ value: { key, value, window }, timestampMs }) => ({
      key,
      value,
      ...(withTimes === undefined ? {} : { at: timestampMs }),
      ...(withWindows === undefined || window === undefined
        ? {}
        : { window: [window.startMs, window.endMs] as [number, number] }),
    }));
  }

  async #newLate(): Promise<CaseElement[]> {
    const kept: CaseElement[] = [];
    for (const topic of this.#pipeline.late)
      for (const { value, timestampMs } of first(await this.#driver.readRecords(topic)))
        kept.push([value.key, value.value, timestampMs]);
    const added = kept.slice(this.#late);
    this.#late = kept.length;
    return added;
  }

  #newDropped(): number {
    const added = this.#driver.late - this.#dropped;
    this.#dropped = this.#driver.late;
    return added;
  }
}

/** What a reader that drops repeats would count. */
function first<V>(records: readonly TopicElement<unknown, V>[]): readonly TopicElement<unknown, V>[] {
  return [...new Map(records.map((record) => [JSON.stringify(record.identity), record])).values()];
}

function sorted(results: readonly CaseResult[]): CaseResult[] {
  const text = (result: CaseResult) => JSON.stringify([result.at, result.key, result.window, result.value]);
  return [...results].sort((a, b) => (text(a) < text(b) ? -1 : 1));
}
