/** What is refused at synthesis, each with a sentence that says what to do. */

import { Stack } from "aws-cdk-lib";
import { Annotations, Match, Template } from "aws-cdk-lib/assertions";
import { Vpc } from "aws-cdk-lib/aws-ec2";
import type { CfnEventSourceMapping } from "aws-cdk-lib/aws-lambda";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { operator, stream, text, topic } from "millrace";
import { Kafka, type KafkaLogin, type MillraceAppProps } from "millrace/cdk";
import { describe, expect, test } from "vitest";
import {
  CLUSTER_ARN,
  count,
  existingMsk,
  functionOf,
  lines,
  mappingsOf,
  newApp,
  newStack,
  shop,
  shopTemplate,
  someNetwork,
} from "./synthesize.ts";

describe("settings of a function", () => {
  test.each([
    [{ count: { memoryMb: 64 } }, "memoryMb is 64; it takes a whole number from 128 to 10240 megabytes"],
    [{ count: { timeoutSeconds: 900 } }, "its timeout is 900; it takes a whole number from 1 to 840 seconds"],
    [{ count: { tuning: { maxRecords: 20_000 } } }, "maxRecords of its batches is 20000"],
    [{ count: { tuning: { windowSeconds: 301 } } }, "the window of its batches is 301"],
    [
      { count: { reservedConcurrency: 5 } },
      "reservedConcurrency is 5; it takes a whole number from 1 to 4 invocations",
    ],
    [{ total: { pollers: { maximum: 3 } } }, "pollers.maximum is 3; it takes a whole number from 1 to 2 pollers"],
    [{ total: { pollers: { minimum: 2, maximum: 1 } } }, "pollers.maximum is 1; it takes a whole number from 2 to 2"],
    [{ count: { pollers: { group: "my group" } } }, 'pollers.group "my group" is not made of'],
    [{ counts: {} }, 'There is no function "counts" to set; there are count, count--by-key, total and copy.'],
  ] as const)("%j", (functions, sentence) => {
    expect(() => shop(newStack(), { functions })).toThrow(sentence);
  });

  test("are named with their function", () => {
    expect(() => shop(newStack(), { functions: { count: { memoryMb: 64 } } })).toThrow(
      'Function "count" cannot be deployed so',
    );
  });
});

describe("filters", () => {
  const filters = [{ value: { country: ["CH"] } }];

  test("are for functions that keep no log", () => {
    const template = shopTemplate(() => ({ functions: { copy: { filters } } }));
    expect(mappingsOf(template)["lines → shop.copy"]).toMatchObject({
      FilterCriteria: { Filters: [{ Pattern: '{"value":{"country":["CH"]}}' }] },
    });
    expect(mappingsOf(template)["lines → shop.count"]).not.toHaveProperty("FilterCriteria");
    expect(() => shop(newStack(), { functions: { count: { filters } } })).toThrow(
      'Function "count" cannot be deployed so: it keeps a log, by which it finds out that records were not delivered',
    );
  });

  test("are five at most, of a length that Lambda takes", () => {
    const copied = (all: readonly object[]) => () => shop(newStack(), { functions: { copy: { filters: all } } });
    expect(copied(new Array(6).fill(filters[0]))).toThrow(
      "the number of its filters is 6; it takes a whole number from 1",
    );
    expect(copied([{ value: { country: ["x".repeat(4_096)] } }])).toThrow("a filter of 4122 characters is too long");
  });
});

describe("what is set at mappings past this library", () => {
  const set = (name: string, property: string, value: unknown) => () => {
    const stack = newStack();
    const { node } = shop(stack).function(name);
    const mapping = node.scope?.node.children.find(({ node: { id } }) => id === "From-lines") as CfnEventSourceMapping;
    mapping.addPropertyOverride(property, value);
    Template.fromStack(stack);
  };

  test.each([
    [
      "copy",
      "DestinationConfig",
      { OnFailure: { Destination: "arn:aws:sqs:eu-west-1:111122223333:failed" } },
      "would be lost",
    ],
    ["count", "MaximumRetryAttempts", 3, "would be lost"],
    ["count", "BisectBatchOnFunctionError", true, "would be lost"],
    ["copy", "FunctionResponseTypes", ["ReportBatchItemFailures"], "a batch is processed whole"],
    ["count", "FilterCriteria", { Filters: [{ Pattern: "{}" }] }, "would process what the filters leave out"],
  ])("%s: %s", (name, property, value, why) => {
    expect(set(name, property, value)).toThrow(
      new RegExp(`A mapping of function ${name} cannot have ${property}: .*${why}`),
    );
  });

  test("a filter of what keeps no log, and anything else, is its author's", () => {
    expect(set("copy", "FilterCriteria", { Filters: [{ Pattern: "{}" }] })).not.toThrow();
    expect(set("count", "Enabled", false)).not.toThrow();
  });
});

describe("concurrency", () => {
  const warningsOf = (props: Partial<MillraceAppProps>) => {
    const stack = newStack();
    shop(stack, props);
    return Annotations.fromStack(stack)
      .findWarning("*", Match.anyValue())
      .map(({ entry }) => String(entry.data))
      .filter((warning) => !warning.includes("routeTableId"));
  };
  const wide = topic("wide", { value: text(), partitions: 901, external: true });
  const operators = [operator("wide", stream(wide).to(large2))];

  test("is said where it is more than an account has at first", () => {
    expect(warningsOf({ operators }).join()).toContain(
      'The functions reserve 901 concurrent invocations, and an account that was not given more has 900 to reserve: ask for more, or say reservedConcurrency: "none".',
    );
    expect(warningsOf({}).join()).not.toContain("reserve");
  });

  test("is reserved by none where the account has little, but by the one that says so", () => {
    expect(warningsOf({ operators, reservedConcurrency: "none" })).toEqual([]);
    const template = shopTemplate(() => ({
      reservedConcurrency: "none",
      functions: { count: { reservedConcurrency: 2 } },
    }));
    expect(functionOf(template, "copy")).not.toHaveProperty("ReservedConcurrentExecutions");
    expect(functionOf(template, "count")).toMatchObject({ ReservedConcurrentExecutions: 2 });
  });
});

describe("Kafka", () => {
  const secret = () => Secret.fromSecretNameV2(newStack(), "Login", "login");
  const network = () => someNetwork(newStack());

  test.each([
    [() => Kafka.mskProvisioned({ instanceType: "m5.large" }), '"m5.large" is no kind of broker'],
    [() => Kafka.mskProvisioned({ volumeGiB: 100 }), "storage grows by itself"],
    [() => Kafka.mskProvisioned({ kafkaVersion: "3.5.1" }), "Kafka 3.5.1 cannot be used for a new cluster"],
    [() => Kafka.mskProvisioned({ brokers: 4 }), "4 is no multiple of three"],
    [() => Kafka.msk({ clusterArn: "shop", network: network() }), '"shop" is not the ARN of an MSK cluster'],
    [
      () => Kafka.msk({ clusterArn: CLUSTER_ARN, network: network(), login: { kind: "plain", secret: secret() } }),
      "An MSK cluster has no login by plain",
    ],
    [() => Kafka.selfManaged({ bootstrapServers: ["b-1"], login: { kind: "none" } }), 'this is not: "b-1"'],
    [
      () => Kafka.selfManaged({ bootstrapServers: ["b-1:9098"], login: { kind: "iam" } as KafkaLogin }),
      "The login by IAM is MSK's alone",
    ],
    [
      () => Kafka.selfManaged({ bootstrapServers: ["b-1:9092"], login: { kind: "none" } }),
      "Kafka without a login is reached only inside a network",
    ],
  ])("%s", (make, sentence) => {
    expect(make).toThrow(sentence);
  });

  test("Express brokers in a network of two zones", () => {
    const stack = newStack();
    const kafka = Kafka.mskProvisioned({ vpc: new Vpc(stack, "Vpc", { maxAzs: 2, natGateways: 0 }) as never });
    expect(() => shop(stack, { kafka })).toThrow("Express brokers need three zones");
  });

  test("more partitions than MSK Serverless has", () => {
    const large = topic("large", { value: text(), partitions: 3_000 });
    const props = { kafka: Kafka.mskServerless(), operators: [operator("large", stream(large).to(large2))] };
    expect(() => shop(newStack(), props)).toThrow("MSK Serverless allows 2400");
  });
});

const large2 = topic("large2", { value: text() });
const large = topic("large3", { value: text() });

describe("the application", () => {
  const refused = (props: Partial<MillraceAppProps>) => () => shop(newStack(), props);

  test("something that is no operator", () => {
    expect(refused({ operators: [(async () => {}) as never] })).toThrow("operators[0] is no operator");
  });

  test("operators that do not fit together", () => {
    expect(refused({ operators: [count, operator("count", stream(large2).to(large2))] })).toThrow(
      '2 operators are called "count"',
    );
  });

  test("a name that makes a function's too long, and a prefix that Kafka refuses", () => {
    expect(refused({ name: `a${"b".repeat(50)}` })).toThrow(/which has \d+ characters; Lambda allows 64/);
    expect(refused({ topicPrefix: "dev/" })).toThrow('Topics cannot have the prefix "dev/"');
  });

  test("an environment that Lambda does not take", () => {
    const environment = { TEXT: "x".repeat(4_000) };
    expect(refused({ functions: { copy: { environment } } })).toThrow(
      /The environment of function "copy" has \d+ bytes; Lambda takes 4096/,
    );
  });

  test("an operator that is called as a function of ours, and two applications whose functions would be called alike", () => {
    expect(refused({ operators: [operator("create-topics", stream(large2).to(large))] })).toThrow(
      'Two functions would be called "shop-create-topics" in AWS: rename an operator, or the application.',
    );
    const app = newApp();
    const stack = newStack("A", app);
    shop(stack, { operators: [operator("dev-copy", stream(large2).to(large))] });
    const other = newStack("B", app);
    const props = { name: "shop-dev", topicPrefix: "dev.", operators: [operator("copy", stream(large2).to(large))] };
    expect(() => shop(other, { ...props, kafka: existingMsk(other) })).toThrow(
      'Two functions would be called "shop-dev-copy" in AWS, of B/Shop and of A/Shop',
    );
  });

  test("two applications that make the same topics in one Kafka, but not with prefixes, nor in two", () => {
    const app = newApp();
    const inStack = (id: string, props: Partial<MillraceAppProps>) => {
      const stack = newStack(id, app);
      return () => shop(stack, { kafka: existingMsk(stack), name: id.toLowerCase(), ...props });
    };
    inStack("A", {})();
    expect(inStack("B", {})).toThrow(
      'B/Shop and A/Shop would both make the topic "lines" in one Kafka: give each a topicPrefix of its own, or declare the topic external where it is another\'s.',
    );
    inStack("C", { topicPrefix: "c." })();
    inStack("D", { kafka: Kafka.mskServerless() })();
    inStack("E", { kafka: Kafka.mskServerless() })();
  });

  test("a cluster in another region or account", () => {
    const kafka = (stack: Stack, clusterArn: string) =>
      Kafka.msk({ clusterArn, network: someNetwork(stack), bootstrapServers: "b-1.shop:9098" });
    const on = (clusterArn: string) => () => {
      const stack = newStack();
      shop(stack, { kafka: kafka(stack, clusterArn) });
    };
    expect(on(CLUSTER_ARN.replace("eu-west-1", "us-east-1"))).toThrow(
      "The cluster is in us-east-1 and the stack in eu-west-1: deploy it where the cluster is.",
    );
    expect(on(CLUSTER_ARN.replace("111122223333", "444455556666"))).toThrow(
      "The cluster is of account 444455556666 and the stack of 111122223333",
    );
    expect(on(CLUSTER_ARN)).not.toThrow();
  });

  test("an operator with more functions than a stack has room for", () => {
    const keyed = Array.from({ length: 50 }, (_, i) =>
      stream(lines)
        .keyBy((line) => line, { name: `by-${i}` })
        .count()
        .to(large.from(({ key }) => key)),
    );
    const app = newApp();
    const stack = newStack("Large", app);
    shop(stack, { split: "per-operator", operators: [operator("many", ...(keyed as [(typeof keyed)[number]]))] });
    expect(() => app.synth()).toThrow(
      /Number of resources in stack '.*many.*': \d+ is greater than allowed maximum of 500/,
    );
  });

  test("a schedule and units that there are not", () => {
    expect(refused({ scheduleMinutes: 0 })).toThrow("scheduleMinutes is 0");
  });

  test("two applications of one name in one account, but not in two", () => {
    const app = newApp();
    shop(newStack("A", app));
    expect(() => shop(newStack("B", app))).toThrow('B/Shop and A/Shop are both called "shop"');
    const elsewhere = new Stack(app, "C", { env: { account: "444455556666", region: "eu-west-1" } });
    shop(elsewhere, { kafka: Kafka.mskServerless() });
  });
});
