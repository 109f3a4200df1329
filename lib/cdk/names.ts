/** Names in AWS and in Kafka: made of the application's name and an operator's, so that code can be moved and renamed around them. */

import { deployedNameOf } from "../lambda/function-name.ts";
import { MillraceError } from "../stream/error.ts";
import { quote } from "../stream/sentence.ts";

/** Lambda's, and SQS's is longer. */
const FUNCTION_NAME_CHARACTERS_MAX = 64;

/** The physical name of a function. Throws MillraceError "definition" where it is longer than Lambda allows. */
export function physicalName(application: string, functionName: string): string {
  const name = deployedNameOf(application, functionName);
  if (name.length <= FUNCTION_NAME_CHARACTERS_MAX) return name;
  throw new MillraceError(
    "definition",
    `Function ${quote(functionName)} of application ${quote(application)} would be called ${quote(name)}, which has ${name.length} characters; Lambda allows ${FUNCTION_NAME_CHARACTERS_MAX}. Shorten the operator's name, its keyBy's or the application's.`,
  );
}

/** The consumer group of a function's mappings: the same wherever it runs. */
export function consumerGroupOf(application: string, functionName: string): string {
  return `${application}.${functionName}`;
}
