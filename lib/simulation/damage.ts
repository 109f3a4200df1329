/**
 * What no rule can make good: input that is gone, a topic that was made anew, numbers and entries that were lost. Nobody may go on as if nothing had
 * happened: whoever meets it stops with a sentence, and what was written until then is right.
 *
 * Only what can be noticed: of a log without its last entry, or of records that were gone before anybody read a first one, nobody can tell.
 */

import { isTaken } from "../runtime/task-meta.ts";
import { metaOf } from "../state-log/dynamodb-items.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { decodeBundle } from "../wire/bundle.ts";
import { decodePrepared, isPrepared } from "../wire/sent-ahead.ts";
import type { Draw } from "./draw.ts";
import type { SimulatedDynamoDb } from "./simulated-dynamodb.ts";
import type { ItemKey } from "./simulated-dynamodb-table.ts";
import type { SimulatedKafka } from "./simulated-kafka.ts";
import { inputTopicsOf } from "./verdict.ts";

/** What is told of it. */
export const DAMAGE_CODES: ReadonlySet<string> = new Set(["input-missing", "state-broken", "kafka"]);

export const RECREATED = "a topic is deleted and created again";

export type Damaged = {
  readonly kafka: SimulatedKafka;
  readonly dynamodb: SimulatedDynamoDb;
  readonly draw: Draw;
  readonly functions: readonly FunctionPlan[];
  /** Ends what a function has under way. */
  readonly crash: (plan: FunctionPlan) => void;
  readonly nameOf: (plan: FunctionPlan, topic: string, partition: number) => string;
};

/** A task's meta, as it is encoded. */
type Meta = {
  readonly checkpoint: number;
  readonly upstream: readonly (readonly [task: string, generation: number, number: number])[];
  readonly exactlyOnce?: { readonly before?: number };
};

type Head = {
  readonly plan: FunctionPlan;
  readonly topic: string;
  readonly partition: number;
  readonly task: string;
  readonly sequenceNumber: number;
  readonly base: number;
  readonly meta: Meta;
};

/** Does a damage; undefined where there was nothing to be damaged. */
export function damage(world: Damaged): string | undefined {
  const heads = headsOf(world);
  if (heads.length === 0) return undefined;
  const head = world.draw.pick(heads);
  const kind = world.draw.pick(Object.keys(DAMAGES) as (keyof typeof DAMAGES)[]);
  return DAMAGES[kind](world, head) ? kind : undefined;
}

/** Takes records away that a task has processed, which is no damage; false where there are none. */
export function expire(world: Damaged): boolean {
  const heads = headsOf(world).filter(
    ({ plan, topic, partition, meta }) =>
      isNotJudged(plan, topic) && meta.checkpoint >= world.kafka.startOffset(topic, partition),
  );
  if (heads.length === 0) return false;
  const { topic, partition, meta } = world.draw.pick(heads);
  world.kafka.trim(topic, partition, Math.min(meta.checkpoint + 1, firstUnreleased(world, topic, partition, meta)));
  return true;
}

/** Where a bundle was sent ahead that may still be released: retention is longer than an outage. */
function firstUnreleased({ kafka }: Damaged, topic: string, partition: number, { upstream }: Meta): number {
  const numbers = new Map(upstream.map(([task, generation, number]) => [task, { generation, number }]));
  const found = kafka.read(topic, partition, 0, { isolation: "uncommitted" }).find(({ value }) => {
    if (!isPrepared(value)) return false;
    const bundle = decodeBundle(decodePrepared(value).bundle);
    const taken = numbers.get(bundle.task);
    return taken === undefined || !isTaken(taken, bundle);
  });
  return found?.offset ?? Number.POSITIVE_INFINITY;
}

const DAMAGES = {
  "records are gone before they were read": ({ kafka, draw }: Damaged, { plan, topic, partition, meta }: Head) => {
    if (!isNotJudged(plan, topic)) return false;
    // Whoever has read nothing begins with what there is.
    if (meta.checkpoint < 0) return false;
    const unread = kafka.endOffset(topic, partition) - meta.checkpoint - 1;
    if (unread <= 0) return false;
    kafka.trim(topic, partition, meta.checkpoint + 2 + draw.below(unread));
    return true;
  },
  [RECREATED]: ({ kafka, ...world }: Damaged, { plan, topic }: Head) => {
    const heads = headsOf({ kafka, ...world }).filter((head) => head.topic === topic);
    const isReadEverywhere =
      heads.length === partitionsOf(plan, topic) && heads.every(({ meta }) => meta.checkpoint >= 0);
    if (!isForeign(plan, topic) || !isReadEverywhere) return false;
    kafka.deleteTopic(topic);
    kafka.createTopic(topic, heads.length);
    return true;
  },
  "a number written exactly once is forgotten": ({ kafka, crash }: Damaged, { plan, task, meta }: Head) => {
    if (meta.exactlyOnce?.before === undefined) return false;
    // It takes Kafka a week, in which nobody wrote. Who had the first number in hand since then would write it again, and could not know better.
    crash(plan);
    kafka.forgetGroup(task);
    return true;
  },
  "an entry is lost": ({ dynamodb, draw }: Damaged, { task, sequenceNumber, base }: Head) => {
    const entries = dynamodb.entriesOf(task);
    const needed = entries.filter(({ seq }) => Number(seq?.N) > base && Number(seq?.N) < sequenceNumber);
    if (needed.length === 0) return false;
    const { pk, sk } = draw.pick(needed);
    const isLost = (at: ItemKey) => at.pk === pk?.S && at.sk === sk?.S;
    // An empty slot would take an entry of the first lap from whoever is that far behind; what is there now is of no lap.
    const lost = dynamodb
      .backUp()
      .filter(isLost)
      .map((at) => ({ ...at, stored: { ...at.stored, item: { ...at.stored.item, seq: { N: "0" } } } }));
    dynamodb.restore(lost, isLost);
    return true;
  },
};

/** What the application wrote into other topics is needed to judge it. */
function isNotJudged(plan: FunctionPlan, topic: string): boolean {
  return plan.shuffle !== undefined || isForeign(plan, topic);
}

function isForeign({ sources }: FunctionPlan, topic: string): boolean {
  return sources.some((source) => source.topic.topicName === topic && !source.writtenByMillrace);
}

function partitionsOf({ sources }: FunctionPlan, topic: string): number | undefined {
  return sources.find((source) => source.topic.topicName === topic)?.partitions;
}

function headsOf({ dynamodb, functions, nameOf }: Damaged): Head[] {
  return functions
    .filter(({ commits }) => commits)
    .flatMap((plan) =>
      inputTopicsOf(plan).flatMap(({ topic, partitions }) =>
        Array.from({ length: partitions }, (_, partition) => {
          const task = nameOf(plan, topic, partition);
          const entries = dynamodb.entriesOf(task).toSorted((a, b) => Number(b.seq?.N) - Number(a.seq?.N));
          const [item] = entries;
          if (item === undefined) return [];
          const meta = JSON.parse(metaOf(item)) as Meta;
          return [
            { plan, topic, partition, task, sequenceNumber: Number(item.seq?.N), base: Number(item.base?.N), meta },
          ];
        }).flat(),
      ),
    );
}
