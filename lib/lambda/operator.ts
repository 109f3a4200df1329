/** `operator()`: from streams that end in sinks to a Lambda handler that carries its definition. */

import { HOST, type Host } from "../runtime/host.ts";
import type { Handler, InvocationContext, Operator } from "../runtime/operator-handler.ts";
import { remainingOf } from "../runtime/operator-handler.ts";
import { callerOf, NOWHERE } from "../stream/caller.ts";
import { defineOperator } from "../stream/define-operator.ts";
import type { Sink } from "../stream/elements.ts";
import { MillraceError } from "../stream/error.ts";
import type { OperatorOptions } from "../stream/operator-definition.ts";
import type { FunctionEvent } from "../wire/lambda-event.ts";
import type { LambdaRuntime } from "./lambda-runtime.ts";

/** What may be said of an operator beside its name. */
export interface OperatorSettings extends OperatorOptions {
  /** The place for what wraps handlers (tracing, middleware): a wrapper around the operator itself would hide its definition. */
  readonly wrap?: (handler: Handler) => Handler;
}

let runtime: Promise<typeof import("../runtime/runtime-of.ts")> | undefined;

/** Whether this is an execution environment of Lambda. */
function isOnLambda(): boolean {
  return process.env.AWS_LAMBDA_FUNCTION_NAME !== undefined;
}

/**
 * Makes a Lambda handler of streams that end in sinks: `export const handler = operator("count-words", stream(lines)….to(wordCounts))`.
 * Importing the file does no I/O.
 *
 * The name is part of the identity of the operator's state and of its functions: a letter, then letters, digits, `-` and `_`, without `--` and
 * not ending in `-`. Names and everything that must fit together are checked with the whole topology; what is no sink is refused here, with a MillraceError "definition".
 *
 * The handler takes Kafka events (also as text), ticks and redrives. It rejects where the batch must be delivered again, and repeats are harmless.
 */
export function operator<const Name extends string>(
  nameOrOptions: Name | ({ readonly name: Name } & OperatorSettings),
  ...sinks: readonly Sink[]
): Operator<Name> {
  // There nobody asks for its file, and a stack would have the whole source map of the bundle read.
  const definition = defineOperator(nameOrOptions, sinks, isOnLambda() ? NOWHERE : callerOf(operator));
  // On Lambda the engine and the clients are loaded with the file, while Lambda starts the environment; elsewhere importing it loads neither.
  const onLambda = isOnLambda() ? import("./open-lambda-runtime.ts") : undefined;
  onLambda?.catch(() => {}); // The first invocation says it.
  let deployed: Promise<LambdaRuntime> | undefined;
  const open = async (): Promise<LambdaRuntime> => (await onLambda!).openLambdaRuntime(definition);

  const handle: Handler = async (event, context) => {
    const host = (context as { readonly [HOST]?: Host } | undefined)?.[HOST];
    if (host === undefined && onLambda !== undefined) {
      deployed ??= open();
      // A secret or a bucket that could not be read may be readable next time.
      deployed.catch(() => {
        deployed = undefined;
      });
      return (await deployed).handle(event, context);
    }
    if (host === undefined)
      throw new MillraceError(
        "usage",
        `Operator ${definition.operatorName} was invoked without a Millrace runtime around it: run it with \`millrace run\`, the test driver or a deployed application.`,
      );
    // Only now, so that importing an operator loads no engine; and once, since even a module that is loaded is looked up anew.
    runtime ??= import("../runtime/runtime-of.ts");
    return (await runtime)
      .runtimeOf(host)
      .invoke(definition.operatorName, event as FunctionEvent | string, remainingOf(context));
  };
  const wrap = typeof nameOrOptions === "object" ? nameOrOptions.wrap : undefined;
  const handler: Handler = wrap === undefined ? handle : wrap(handle);
  return Object.assign((event: unknown, context: InvocationContext) => handler(event, context), {
    operatorName: definition.operatorName as Name,
    definition,
    acceptsText: true as const,
  });
}
