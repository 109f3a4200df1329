/** Gathers the elements of a commit that go to sinks beside topics and tables, as their values are when they come. */

import type { Caller, Push } from "../operators/step.ts";
import { encodeValue } from "../state/value-encoding.ts";
import type { OutsideSpec } from "../stream/sink.ts";
import type { ElementsBatch, OutboxElement } from "./outbox.ts";

export class ElementCollector {
  readonly #call: Caller;
  readonly #sinks = new Map<string, Push>();
  #elements = new Map<string, OutboxElement[]>();
  /** Of the elements that wait to be taken, in characters of their JSON. */
  bytes = 0;

  constructor(call: Caller) {
    this.#call = call;
  }

  /** Takes elements for a sink. */
  into({ sinkName }: OutsideSpec): Push {
    const push: Push = (value, key, timestampMs) => {
      this.#call.step = `sink ${sinkName}`;
      const element = { value: textOf(value), key: textOf(key ?? null), timestampMs };
      this.bytes += element.value.length + element.key.length;
      const elements = this.#elements.get(sinkName);
      if (elements === undefined) this.#elements.set(sinkName, [element]);
      else elements.push(element);
    };
    this.#sinks.set(sinkName, push);
    return push;
  }

  /** What takes elements for the sink of a name; undefined where this function writes to none of it. */
  named(sinkName: string): Push | undefined {
    return this.#sinks.get(sinkName);
  }

  /** The elements of each sink, in their order. `nowMs`: the commit's clock. */
  take(nowMs: number): ElementsBatch[] {
    const batches = [...this.#elements].map(
      ([sink, elements]): ElementsBatch => ({ kind: "elements", sink, atMs: nowMs, elements }),
    );
    this.#elements = new Map();
    this.bytes = 0;
    return batches;
  }
}

function textOf(value: unknown): string {
  return JSON.stringify(encodeValue(value));
}
