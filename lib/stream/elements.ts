/** The phantom types that streams, sinks and topics carry: what they hold, without any member that could be called. */

import type { SinkTarget } from "./node.ts";

declare const element: unique symbol;
declare const currentKey: unique symbol;
declare const writes: unique symbol;

/** Whatever gives elements of T under a key of K; what unions and joins ask of their other side. */
export interface Elements<out T, out K> {
  readonly [element]: T;
  readonly [currentKey]: K;
}

/** What `to` takes: something that elements of T under a key of K can be written to. A topic is one; `topic.from` and `topic.record` make others. */
export interface Writer<in T, in K> {
  readonly [writes]: (element: T, key: K) => void;
}

/** What a Writer that is not a topic is inside. */
export type WriterSpec = { readonly kind: "writer"; readonly target: SinkTarget };

/** The end of a stream, to be given to `operator()`. */
export interface Sink {
  readonly kind: "sink";
}

/** Options of a step. */
export interface Named {
  /** Part of the identity of the step's state, below operator and keyBy. Letters, digits, `-` and `_`. Default: the step's kind. */
  readonly name?: string;
}

/** A result of a rolling aggregate. */
export interface Result<out K, out R> {
  readonly key: K;
  readonly value: R;
}

/** A result of a window. */
export interface WindowResult<out K, out R, out W> extends Result<K, R> {
  readonly window: W;
}
