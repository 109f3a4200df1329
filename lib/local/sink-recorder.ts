/** What sinks beside topics and tables take in a test, and what writes instead of them. */

import type { Host } from "../runtime/host.ts";
import type { AuthorFunction } from "../stream/node.ts";
import type { Uses } from "../stream/settings.ts";
import type { OutsideSink, OutsideSpec, SinkElement, SinkOptions } from "../stream/sink.ts";

/** What writes instead of a sink: it is given no client. */
export type SinkWrite<T, K> = SinkOptions<T, K, Uses, undefined>["write"];

export class SinkRecorder {
  readonly #replaced = new Map<OutsideSpec, AuthorFunction>();
  readonly #taken = new Map<OutsideSpec, Map<string, SinkElement<unknown>>>();
  readonly hooks: Pick<Host, "writeInstead" | "taken"> = {
    writeInstead: (sink) => this.#replaced.get(sink),
    taken: (sink, elements) => {
      const all = this.#taken.get(sink) ?? new Map<string, SinkElement<unknown>>();
      this.#taken.set(sink, all);
      for (const element of elements) if (!all.has(element.id)) all.set(element.id, element);
    },
  };

  replace<T, K>(sink: OutsideSink<T, K>, write: SinkWrite<T, K>): void {
    this.#replaced.set(toSpec(sink), write);
  }

  /** Each element once, in the order in which they were first taken. */
  takenBy<T, K>(sink: OutsideSink<T, K>): SinkElement<T, K>[] {
    return [...(this.#taken.get(toSpec(sink))?.values() ?? [])] as SinkElement<T, K>[];
  }
}

/** A sink as the engine knows it. */
function toSpec<T, K>(sink: OutsideSink<T, K>): OutsideSpec {
  return sink as unknown as OutsideSpec;
}
