/** What an operator is to those who run it: a Lambda handler with its definition. Made by `operator()` in lib/lambda. */

import type { OperatorDefinition } from "../stream/operator-definition.ts";
import type { BatchResponse } from "../wire/lambda-event.ts";

/** What Millrace asks of an invocation's context; Lambda's has it. */
export interface InvocationContext {
  readonly awsRequestId: string;
  readonly functionName: string;
  getRemainingTimeInMillis(): number;
}

/** What tells how much time an invocation has left; undefined where its context does not say. */
export function remainingOf(context: InvocationContext | undefined): (() => number) | undefined {
  return typeof context?.getRemainingTimeInMillis === "function" ? () => context.getRemainingTimeInMillis() : undefined;
}

/** A Lambda handler as Lambda calls it. */
export type Handler = (event: unknown, context: InvocationContext) => Promise<BatchResponse>;

/** A Lambda handler that carries the definition of its operator, for whoever deploys or runs it. */
export interface Operator<out Name extends string = string> extends Handler {
  readonly operatorName: Name;
  readonly definition: OperatorDefinition;
  /** It takes the text of an event too, and reads it itself. */
  readonly acceptsText: true;
}

/** Whether an exported value is an operator. */
export function isOperator(value: unknown): value is Operator {
  return (
    typeof value === "function" &&
    typeof (value as Partial<Operator>).definition?.operatorName === "string" &&
    Array.isArray((value as Partial<Operator>).definition?.sinks)
  );
}
