/** What an operator file says, as `infra/`, the local runtime and the tests read it from the handler. */

import type { Duration } from "./duration.ts";
import type { SinkNode } from "./node.ts";

/** Settings of one Lambda function. */
export interface FunctionOptions {
  readonly memoryMb?: number;
  readonly timeout?: Duration;
  readonly batch?: { readonly maxRecords?: number; readonly window?: Duration };
  readonly environment?: Readonly<Record<string, string>>;
}

/** What may be said of an operator, whatever runs it. */
export interface OperatorOptions {
  /** What a record gets that cannot be decoded, fails its schema or makes the author's code throw. Default "dead-letter". */
  readonly onError?: "dead-letter" | "fail";
  /** The topic for its dead letters; several operators may share one. Default: one of its own, `<name>--dead-letters`. */
  readonly deadLetterTopic?: string;
  readonly function?: FunctionOptions;
}

/** An operator as those who run or deploy it see it. */
export interface OperatorDefinition {
  readonly operatorName: string;
  /** The file and line that called `operator()`, for bundling and for errors; "" where the stack does not tell. */
  readonly file: string;
  readonly line: number;
  readonly onError: "dead-letter" | "fail";
  readonly deadLetterTopic: string;
  readonly function: FunctionOptions;
  readonly sinks: readonly SinkNode[];
}
