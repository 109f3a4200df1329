/** What a function may do with the application's table: the items of its own tasks, and nobody else's. */

import { toTaskName } from "../runtime/task-name.ts";
import { chunksOf, entriesOf, GENERATIONS, LISTING, SHARDS } from "../state-log/dynamodb-items.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import type { Grant } from "./grant.ts";

/** As `lib/runtime/redrive.ts` calls the task that redrives what a function without a log set aside. */
const REDRIVES = "--redrive";

const READ = ["dynamodb:GetItem", "dynamodb:Query"];
const WRITE = ["dynamodb:PutItem", "dynamodb:DeleteItem"];

/** The partition keys of its items, with `*` for topic, partition and generation. */
export function leadingKeysOf(application: string, { name, commits }: FunctionPlan): readonly string[] {
  const { full } = toTaskName(application, commits ? name : `${name}${REDRIVES}`, "", 0, 0);
  const task = full.replace(/-0\/0$/, "*");
  const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
  return [
    entriesOf(task),
    ...shards.flatMap((shard) => [
      chunksOf(task, shard),
      `parts#${shard}#entries#${task}`,
      `parts#${shard}#chunks/*#${task}`,
    ]),
  ];
}

export function stateGrants(application: string, plan: FunctionPlan, tableArn: string): readonly Grant[] {
  const keys = (condition: "ForAllValues:StringLike" | "ForAllValues:StringEquals", names: readonly string[]) => ({
    [condition]: { "dynamodb:LeadingKeys": names },
  });
  return [
    {
      actions: [...READ, ...WRITE],
      resources: [tableArn],
      conditions: keys("ForAllValues:StringLike", leadingKeysOf(application, plan)),
    },
    { actions: ["dynamodb:PutItem"], resources: [tableArn], conditions: keys("ForAllValues:StringEquals", [LISTING]) },
    {
      actions: ["dynamodb:GetItem"],
      resources: [tableArn],
      conditions: keys("ForAllValues:StringEquals", [GENERATIONS]),
    },
  ];
}

/** Large chunks: names of objects hold digests of their tasks, which are known only when they run. */
export function snapshotGrants(bucketArn: string, prefix: string): readonly Grant[] {
  return [
    {
      actions: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
      resources: [`${bucketArn}/${prefix}/*`],
      reason: "The objects' names are made at run time, below the prefix of this application.",
    },
    {
      actions: ["s3:ListBucket"],
      resources: [bucketArn],
      conditions: { StringLike: { "s3:prefix": [`${prefix}/*`] } },
    },
  ];
}
