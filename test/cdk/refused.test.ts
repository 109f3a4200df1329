/** What is refused at synthesis, each with a sentence that says what to do. */

import { Stack } from "aws-cdk-lib";
import { Vpc } from "aws-cdk-lib/aws-ec2";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { operator, stream, text, topic } from "millrace";
import { Kafka, type KafkaLogin, type MillraceAppProps } from "millrace/cdk";
import { describe, expect, test } from "vitest";
import { CLUSTER_ARN, count, existingMsk, newApp, newStack, shop, someNetwork } from "./synthesize.ts";

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

  test("a schedule and units that there are not", () => {
    expect(refused({ scheduleMinutes: 0 })).toThrow("scheduleMinutes is 0");
  });

  test("two applications of one name in one account, but not in two", () => {
    const app = newApp();
    shop(newStack("A", app));
    expect(() => shop(newStack("B", app))).toThrow('B/Shop and A/Shop are both called "shop"');
    const elsewhere = new Stack(app, "C", { env: { account: "444455556666", region: "eu-west-1" } });
    shop(elsewhere, { kafka: existingMsk(elsewhere) });
  });
});
