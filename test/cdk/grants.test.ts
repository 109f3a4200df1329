/** What functions may do: enough for what the runtime does, and nothing of another function's. */

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { assertNarrow } from "../../lib/cdk/grant.ts";
import { clusterArns, kafkaGrants } from "../../lib/cdk/kafka-grants.ts";
import { leadingKeysOf, stateGrants } from "../../lib/cdk/state-grants.ts";
import { toTaskName } from "../../lib/runtime/task-name.ts";
import { chunksOf, entriesOf, SHARDS, toChunkItem } from "../../lib/state-log/dynamodb-items.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import { CLUSTER_ARN, copy, count, resourcesOf, shopTemplate, total } from "./synthesize.ts";

const { functions } = buildTopology("shop", [count.definition, total.definition, copy.definition]);
const planOf = (name: string) => functions.find((plan) => plan.name === name)!;
const split = (text: string, at: string) => text.split(at) as [string, string];

/** As IAM compares. */
function matches(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) =>
    new RegExp(
      `^${pattern
        .split("*")
        .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"))
        .join(".*")}$`,
    ).test(text),
  );
}

describe("leading keys", () => {
  const task = (name: string) => toTaskName("shop", name, "lines", 3, 2).full;

  test("cover every item of the function's tasks: entries, chunks in all shards, and parts of both", () => {
    const keys = leadingKeysOf("shop", planOf("count"));
    expect(matches(keys, entriesOf(task("count")))).toBe(true);
    const ranges = Array.from({ length: 64 }, (_, i) => createHash("md5").update(String(i)).digest("hex"));
    const chunks = ranges.map(
      (range) => toChunkItem(task("count"), { range, asOf: 1, bytes: new Uint8Array(1) }, undefined).pk?.S,
    );
    expect(new Set(chunks).size).toBe(SHARDS);
    for (const pk of chunks) expect(matches(keys, pk as string)).toBe(true);
    for (const folder of ["entries", "chunks/0-8", "chunks/%2F"])
      for (let shard = 0; shard < SHARDS; shard++)
        expect(matches(keys, `parts#${shard}#${folder}#${task("count")}`)).toBe(true);
  });

  test("cover nothing of another function, another application, or the listing of all tasks", () => {
    const keys = leadingKeysOf("shop", planOf("count"));
    for (const other of ["count--by-key", "counter", "total"]) {
      expect(matches(keys, entriesOf(task(other)))).toBe(false);
      expect(matches(keys, chunksOf(task(other), 0))).toBe(false);
      expect(matches(keys, `parts#0#entries#${task(other)}`)).toBe(false);
    }
    expect(matches(keys, entriesOf(toTaskName("shop-dev", "count", "lines", 0, 0).full))).toBe(false);
    expect(matches(keys, "tasks")).toBe(false);
    expect(matches(keys, "generations")).toBe(false);
  });

  test("of a function without a log are those of its redrives", () => {
    const keys = leadingKeysOf("shop", planOf("copy"));
    expect(matches(keys, entriesOf(task("copy--redrive")))).toBe(true);
    expect(matches(keys, entriesOf(task("copy")))).toBe(false);
  });

  test("stand at every statement about the table, and generations are only read", () => {
    const grants = stateGrants("shop", planOf("count"), "arn:table");
    for (const { conditions } of grants) expect(JSON.stringify(conditions)).toContain("dynamodb:LeadingKeys");
    const generations = grants.filter(({ conditions }) => JSON.stringify(conditions).includes('"generations"'));
    expect(generations.flatMap(({ actions }) => actions)).toEqual(["dynamodb:GetItem"]);
  });
});

describe("Kafka", () => {
  const arns = clusterArns(CLUSTER_ARN, split);
  const names = (name: string) => ({
    application: "shop",
    consumerGroup: `shop.${name}`,
    toKafka: (topic: string) => topic,
  });
  const allowed = (name: string) =>
    kafkaGrants(planOf(name), names(name), arns).flatMap(({ actions, resources }) =>
      actions.flatMap((action) =>
        resources.map(
          (resource) =>
            `${action.replace("kafka-cluster:", "")} ${resource.replace(/^.*-east-|^.*:/, "").replace(/^(.*?)\/shop\/[^/]+\/?/, "$1 ")}`,
        ),
      ),
    );

  test("a function reads what it reads, writes what it writes, and has a group of its own", () => {
    expect(allowed("count").sort()).toEqual([
      "AlterGroup group shop.count",
      "Connect cluster ",
      "DescribeClusterDynamicConfiguration cluster ",
      "DescribeGroup group shop.count",
      "DescribeTopic topic count--by-key",
      "DescribeTopic topic count--dead-letters",
      "DescribeTopic topic lines",
      "ReadData topic lines",
      "WriteData topic count--by-key",
      "WriteData topic count--dead-letters",
    ]);
  });

  test("transactions are allowed where a topic is written exactly once, under the function's own ids", () => {
    expect(allowed("total")).toEqual(
      expect.arrayContaining([
        "AlterTransactionalId transactional-id shop/total/*",
        "DescribeTransactionalId transactional-id shop/total/*",
        "AlterGroup group shop/total/*",
      ]),
    );
    expect(allowed("count").join()).not.toContain("Transactional");
  });
});

test("a grant that is wide without a reason is refused", () => {
  expect(() => assertNarrow([{ actions: ["s3:GetObject"], resources: ["arn:bucket/*"] }])).toThrow("without a reason");
  expect(() => assertNarrow([{ actions: ["s3:*"], resources: ["arn:bucket"], reason: "because" }])).toThrow(
    'names "s3:*"',
  );
  assertNarrow([{ actions: ["s3:GetObject"], resources: ["arn:bucket/*"], reason: "names are made at run time" }]);
});

test("no policy of ours has an action with a wildcard", () => {
  for (const { PolicyDocument } of resourcesOf(shopTemplate(), "AWS::IAM::Policy"))
    for (const { Action } of (PolicyDocument as { Statement: { Action: string | string[] }[] }).Statement)
      for (const action of [Action].flat()) expect(action).not.toContain("*");
});
