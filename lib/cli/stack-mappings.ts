/** The mappings of a deployed stack, run here: an emulator takes mappings from Kafka and polls nothing. The functions are invoked through Lambda's API. */

import { resolve } from "node:path";
import type { Broker } from "../kafka/broker.ts";
import { EventSourceMapping } from "../local/event-source-mapping.ts";
import type { LambdaHandler } from "../local/invocation.ts";
import { LambdaApi } from "../local/lambda-api.ts";
import { readAssembly, type SynthesizedMapping } from "../local/lambda-runtime/assembly.ts";
import type { MappingNotice } from "../local/mapping-options.ts";
import { MillraceError } from "../stream/error.ts";
import { quote } from "../stream/sentence.ts";
import { credentialsFor, EMULATOR_REGION } from "./emulator.ts";

/** The longest that a mapping takes: the function ends by its own time limit, not by that of who waits for it. */
const INVOCATION_TIMEOUT_MS = 14 * 60_000;

/** The mappings from Kafka in what `cdk synth` or `millrace deploy --local` left of a stack. Throws MillraceError "usage" where there are none. */
export function mappingsOf(folder: string, out: string, stack: string): readonly SynthesizedMapping[] {
  const { mappings } = readAssembly(resolve(folder, out), stack);
  if (mappings.length > 0) return mappings;
  throw new MillraceError("usage", `Nothing in stack ${quote(stack)} reads from Kafka.`);
}

/** As the template says, with functions that are at `endpoint`. Throws MillraceError "usage" where one of them is not. */
export async function openMappings(
  mappings: readonly SynthesizedMapping[],
  {
    endpoint,
    broker,
    bootstrapServers,
    observe,
  }: {
    readonly endpoint: string;
    readonly broker: Broker;
    readonly bootstrapServers: string;
    readonly observe: (mapping: SynthesizedMapping, notice: MappingNotice) => void;
  },
): Promise<readonly EventSourceMapping[]> {
  const lambda = new LambdaApi({ endpoint, region: EMULATOR_REGION, credentials: credentialsFor(endpoint) });
  for (const { functionName } of mappings)
    if ((await lambda.environmentOf(functionName)) === undefined)
      throw new MillraceError(
        "usage",
        `There is no function ${quote(functionName)} at ${endpoint}: \`millrace deploy --local --endpoint ${endpoint}\` brings it there.`,
      );
  return mappings.map((mapping) => {
    const { functionName, topic, consumerGroup, batchSize, batchWindowSeconds, startingPosition } = mapping;
    // It takes the event's text, as `acceptsText` says.
    const handler = ((eventText: string) => lambda.invoke(functionName, eventText)) as unknown as LambdaHandler;
    return new EventSourceMapping({
      broker,
      topic,
      consumerGroup,
      batchSize,
      batchWindowMs: batchWindowSeconds * 1_000,
      startingPosition,
      function: { name: functionName, handler, acceptsText: true, timeoutMs: INVOCATION_TIMEOUT_MS },
      eventSource: "SelfManagedKafka",
      bootstrapServers,
      observe: (notice) => observe(mapping, notice),
    });
  });
}
