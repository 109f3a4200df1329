/**
 * Gives the elements of commits to sinks beside topics and tables.
 *
 * O1: in the order of the commit, one write after the other. O2: a repeat is of the same elements under the same ids. What is known to be taken is not given again by the
 * same environment: a sink that is down for an hour would else get the elements before the one that failed with each attempt. A refused element is a dead letter under
 * its own id, so that a letter that is sent again is told as a repeat.
 */

import { decodeValue } from "../state/value-encoding.ts";
import { MillraceError } from "../stream/error.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { quote } from "../stream/sentence.ts";
import type { OutsideSpec, SinkElement } from "../stream/sink.ts";
import { identityText } from "../wire/identity.ts";
import { afterOnMachine, clientsOf } from "./clients.ts";
import { toRefusedLetter } from "./dead-letters.ts";
import type { Host } from "./host.ts";
import { type ElementsBatch, elementsIn, identifiedIn, type OutboxBatch, type OutboxElement } from "./outbox.ts";
import type { TaskName } from "./task-name.ts";

/** What this environment knows of the newest commit that it began to give to sinks. */
type Progress = { readonly attemptId: string; taken: number; attempts: number };

type Part = {
  readonly sink: OutsideSpec;
  readonly atMs: number;
  readonly elements: readonly OutboxElement[];
  /** Of the first of them, among the outputs of the commit. */
  readonly index: number;
};

/** What a write may return, as far as it can be trusted. */
type Answer = { readonly refused?: readonly { readonly id?: unknown; readonly reason?: unknown }[] } | undefined | null;

export class OutsideWriter {
  readonly #host: Host;
  readonly #plan: FunctionPlan;
  readonly #name: TaskName;
  #progress: Progress | undefined;
  #refused = 0;

  constructor(host: Host, plan: FunctionPlan, name: TaskName) {
    this.#host = host;
    this.#plan = plan;
    this.#name = name;
  }

  /** Whether this environment began to write the elements of a commit: then its other outputs are acknowledged. */
  hasBegun(attemptId: string): boolean {
    return this.#progress?.attemptId === attemptId;
  }

  /** How many elements were refused and became dead letters since it was last asked. */
  takeRefused(): number {
    const refused = this.#refused;
    this.#refused = 0;
    return refused;
  }

  /** Writes what commit `sequenceNumber` gives to sinks. Returns when all is taken or refused; throws where the commit must be settled again. */
  async write(attemptId: string, sequenceNumber: number, batches: readonly OutboxBatch[]): Promise<void> {
    if (elementsIn(batches).length === 0) return;
    if (this.#progress?.attemptId !== attemptId) this.#progress = { attemptId, taken: 0, attempts: 0 };
    const progress = this.#progress;
    let passed = 0;
    let index = identifiedIn(batches);
    for (const batch of elementsIn(batches)) {
      const sink = this.#sinkOf(batch);
      for (let from = 0; from < batch.elements.length; from += sink.batchMax) {
        const elements = batch.elements.slice(from, from + sink.batchMax);
        passed += elements.length;
        if (passed <= progress.taken) continue;
        progress.attempts++;
        await this.#writePart(
          { sink, atMs: batch.atMs, elements, index: index + from },
          sequenceNumber,
          progress.attempts,
        );
        progress.taken = passed;
        progress.attempts = 0;
      }
      index += batch.elements.length;
    }
  }

  async #writePart({ sink, atMs, elements, index }: Part, sequenceNumber: number, attempt: number): Promise<void> {
    const given = elements.map(
      ({ value, key, timestampMs }, i): SinkElement<unknown> => ({
        id: identityText(this.#name.full, sequenceNumber, index + i),
        value: decodeValue(JSON.parse(value)),
        key: decodeValue(JSON.parse(key)),
        timestampMs,
      }),
    );
    const answer = await this.#call(sink, given, attempt);
    const refused = answer?.refused ?? [];
    const ids = new Map(given.map(({ id }, i) => [id, i]));
    const reasons = new Map<number, string>();
    for (const { id, reason } of refused) {
      const i = ids.get(id as string);
      if (i === undefined) throw this.#failure(sink, `it refuses ${JSON.stringify(id)}, which is none of the batch`);
      reasons.set(i, String(reason));
    }
    this.#host.taken?.(
      sink,
      given.filter((_, i) => !reasons.has(i)),
    );
    if (reasons.size === 0) return;
    if (this.#plan.operator.onError === "fail") {
      const [i, reason] = [...reasons][0] as [number, string];
      throw this.#failure(
        sink,
        `it refuses ${given[i]?.id}: ${reason}. onError is "fail", so the partition stops here`,
      );
    }
    // In their order, as all outputs.
    const letters = [...reasons]
      .sort(([a], [b]) => a - b)
      .map(([i, reason]) =>
        toRefusedLetter(this.#name, {
          sink: sink.sinkName,
          element: elements[i] as OutboxElement,
          identity: { sequenceNumber, index: index + i },
          reason,
          atMs,
          recordBytesMax: this.#host.broker.recordBytesMax,
        }),
      );
    await this.#host.broker.produce([{ topic: this.#plan.deadLetterTopic, partition: 0, records: letters }]);
    this.#refused += letters.length;
  }

  /** Whatever the author's function does, this ends when the time is over. */
  async #call(sink: OutsideSpec, batch: readonly SinkElement<unknown>[], attempt: number): Promise<Answer> {
    const { writeInstead, after = afterOnMachine } = this.#host;
    const replaced = writeInstead?.(sink);
    const client =
      replaced === undefined
        ? await clientsOf(this.#host).open(sink.client, `The client of sink ${quote(sink.sinkName)}`)
        : undefined;
    const aborting = new AbortController();
    let cancel = () => {};
    const tooLong = new Promise<never>((_resolve, reject) => {
      cancel = after(sink.timeoutMs, () => {
        const error = new Error(`it took longer than ${sink.timeoutMs} ms`);
        aborting.abort(error);
        reject(error);
      });
    });
    try {
      const write = replaced ?? sink.write;
      // A function that is not async may throw as well.
      const writing = (async () => write(batch, { client, signal: aborting.signal, attempt }) as unknown)();
      return (await Promise.race([writing, tooLong])) as Answer;
    } catch (error) {
      throw this.#failure(
        sink,
        `attempt ${attempt} at ${batch.length} elements failed: ${error instanceof Error ? error.message : String(error)}`,
        error,
      );
    } finally {
      cancel();
    }
  }

  #sinkOf({ sink: name }: ElementsBatch): OutsideSpec {
    const sink = this.#plan.outsideOutputs.find(({ sinkName }) => sinkName === name);
    if (sink !== undefined) return sink;
    throw new MillraceError(
      "state-unusable",
      `A commit of task ${this.#name.full} has elements for the sink ${quote(name)}, which its code does not have any more. Run a version that has it until they are written, or reset function ${this.#name.functionName}.`,
    );
  }

  #failure({ sinkName }: OutsideSpec, sentence: string, cause?: unknown): MillraceError {
    return new MillraceError(
      "author",
      `Sink ${quote(sinkName)} of task ${this.#name.full}: ${sentence}; the batch will be delivered again.`,
      { cause },
    );
  }
}
