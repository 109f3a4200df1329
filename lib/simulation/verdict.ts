/** Whether a run that has come to rest is right: what it has written, and what its tasks keep. */

import type { StateLog } from "../state-log/state-log.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { APPLICATION, type LoadedProgram } from "./loaded.ts";
import type { Input, Result } from "./program.ts";
import { readResults } from "./read-results.ts";
import type { SimulatedKafka } from "./simulated-kafka.ts";
import type { Production } from "./variants.ts";

export type RunAtRest = {
  readonly loaded: LoadedProgram;
  readonly inputs: readonly Input[];
  /** It has stopped at a damage. */
  readonly isPartial: boolean;
  /** Whether a task may fail to be opened with this: there is a damage that nobody has met before. */
  readonly isExcused: (error: unknown) => boolean;
  readonly kafka: SimulatedKafka;
  readonly generation: number;
  readonly production: Production;
  readonly log: StateLog;
};

/** Sentences about what is wrong. */
export async function judgeRun(run: RunAtRest): Promise<readonly string[]> {
  const { loaded, inputs, isPartial } = run;
  const wrong: string[] = [];
  const of = (topic: string) => {
    const { results, sentences } = resultsOf(run, topic);
    wrong.push(...sentences);
    return results;
  };
  wrong.push(...loaded.program.judge(inputs, { of, isPartial }));
  if (!isPartial) wrong.push(...(await judgeStates(run)));
  return wrong;
}

/** The topics that a function reads. */
export function inputTopicsOf({ shuffle, sources }: FunctionPlan): {
  readonly topic: string;
  readonly partitions: number;
}[] {
  if (shuffle !== undefined) return [{ topic: shuffle.name, partitions: shuffle.partitions }];
  return sources.map(({ topic, partitions }) => ({ topic: topic.topicName, partitions }));
}

function resultsOf(
  { loaded: { program, topology }, kafka, generation }: RunAtRest,
  topic: string,
): { readonly results: readonly Result[]; readonly sentences: readonly string[] } {
  const partitions = topology.topics.find(({ name }) => name === topic)?.partitions ?? 0;
  const { results, broken } = readResults(kafka, { topic, partitions }, generation);
  return { results, sentences: program.exactlyOnce.has(topic) ? [...broken.repeats, ...broken.order] : broken.order };
}

/** Opens every task once more, as an environment does that begins. */
async function judgeStates({ loaded, isExcused, generation, production, log }: RunAtRest): Promise<string[]> {
  const { program, topology } = loaded;
  const wrong: string[] = [];
  if (program.judgeState === undefined) return wrong;
  for (const plan of topology.functions.filter(({ commits }) => commits))
    for (const { topic, partitions } of inputTopicsOf(plan))
      for (let partition = 0; partition < partitions; partition += 1) {
        const name = production.toTaskName(APPLICATION, plan.name, topic, partition, generation);
        try {
          const { state, meta } = await production.openTask(log, plan, name, Number.MAX_SAFE_INTEGER);
          for (const sentence of program.judgeState(plan.name, state.encode(), meta.watermarkMs))
            wrong.push(`${name.full}: ${sentence}`);
        } catch (error) {
          if (!isExcused(error)) wrong.push(`${name.full} cannot be opened: ${(error as Error).message}`);
        }
      }
  return wrong;
}
