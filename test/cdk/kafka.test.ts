/** Every Kafka that an application can run on: what is made, how functions and mappings reach it, and who makes topics. */

import type { Stack } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Kafka, type KafkaLogin, MillraceApp } from "millrace/cdk";
import { describe, expect, test } from "vitest";
import {
  CLUSTER_ARN,
  copy,
  count,
  functionOf,
  mappingsOf,
  newStack,
  resourcesOf,
  shop,
  shopTemplate,
  someNetwork,
} from "./synthesize.ts";

const on = (kafka: Kafka | ((stack: Stack) => Kafka)) =>
  shopTemplate((stack) => ({ kafka: typeof kafka === "function" ? kafka(stack) : kafka }));

describe("a new provisioned cluster", () => {
  const template = on(Kafka.mskProvisioned());

  test("has Express brokers in three zones, TLS and IAM alone, and stays", () => {
    template.hasResource("AWS::MSK::Cluster", {
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
      Properties: {
        NumberOfBrokerNodes: 3,
        BrokerNodeGroupInfo: { InstanceType: "express.m7g.large", StorageInfo: Match.absent() },
        ClientAuthentication: { Sasl: { Iam: { Enabled: true } }, Unauthenticated: { Enabled: false } },
        EncryptionInfo: { EncryptionInTransit: { ClientBroker: "TLS", InCluster: true } },
      },
    });
    template.resourceCountIs("AWS::EC2::Subnet", 3);
  });

  test("stands in a network without internet, with endpoints for what is called in it", () => {
    template.resourceCountIs("AWS::EC2::NatGateway", 0);
    template.resourceCountIs("AWS::EC2::InternetGateway", 0);
    const services = (of: Template) =>
      resourcesOf(of, "AWS::EC2::VPCEndpoint")
        .map(({ ServiceName }) => JSON.stringify(ServiceName).match(/(dynamodb|s3|sqs|lambda|sts|secretsmanager)/)?.[1])
        .sort();
    expect(services(template)).toEqual(["dynamodb", "lambda", "sqs", "sts"]);
    // Who has pollers of its own is not invoked through the network, and who needs no clock sends nothing.
    const quiet = shopTemplate(() => ({ kafka: Kafka.mskProvisioned(), operators: [copy], pollers: {} }));
    expect(services(quiet)).toEqual(["dynamodb"]);
    const large = shopTemplate(() => ({ kafka: Kafka.mskProvisioned(), state: { snapshotBucket: true } }));
    expect(services(large)).toContain("s3");
  });

  test("has endpoints in each of three zones, or in as many as are asked for", () => {
    const zonesOf = (of: Template) =>
      resourcesOf(of, "AWS::EC2::VPCEndpoint").flatMap(({ SubnetIds }) =>
        SubnetIds === undefined ? [] : (SubnetIds as unknown[]).length,
      );
    expect(zonesOf(template)).toEqual([3, 3, 3]);
    expect(zonesOf(on(Kafka.mskProvisioned({ instanceType: "kafka.t3.small", endpointZones: 1 })))).toEqual([1, 1, 1]);
    expect(zonesOf(on(Kafka.mskServerless({ endpointZones: 2 })))).toEqual([2, 2, 2]);
  });

  test("has its topics made by a function, so that those that stayed do not fail the next deployment", () => {
    template.resourceCountIs("AWS::MSK::Topic", 0);
    template.resourceCountIs("Custom::MillraceTopics", 1);
  });

  test("may have its topics made by CloudFormation: shuffles and dead letters too, none of others, and all of them stay", () => {
    const template = on(Kafka.mskProvisioned({ topicsBy: "cloudformation" }));
    template.resourceCountIs("Custom::MillraceTopics", 0);
    const topics = resourcesOf(template, "AWS::MSK::Topic");
    expect(topics.map(({ TopicName, PartitionCount }) => [TopicName, PartitionCount]).sort()).toEqual([
      ["copy--dead-letters", 1],
      ["count--by-key", 4],
      ["count--dead-letters", 1],
      ["counts", 2],
      ["lines", 4],
      ["total--dead-letters", 1],
      ["totals", 4],
    ]);
    template.allResources("AWS::MSK::Topic", { DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain" });
    const counts = topics.find(({ TopicName }) => TopicName === "counts");
    expect(
      Buffer.from(counts?.Configs as string, "base64")
        .toString()
        .split("\n"),
    ).toEqual(["cleanup.policy=delete", "retention.ms=3600000", "message.timestamp.after.max.ms=9223372036854775807"]);
  });

  test("is asked for its addresses when it is deployed", () => {
    expect(JSON.stringify(functionOf(template, "count").Environment)).toContain("BootstrapBrokerStringSaslIam");
    template.hasResourceProperties("AWS::IAM::Policy", {
      PolicyDocument: {
        Statement: [Match.objectLike({ Action: "kafka:GetBootstrapBrokers", Resource: Match.not("*") })],
      },
    });
  });

  test("may have standard brokers with volumes", () => {
    const kafka = Kafka.mskProvisioned({ instanceType: "kafka.t3.small", volumeGiB: 10 });
    on(kafka).hasResourceProperties("AWS::MSK::Cluster", {
      BrokerNodeGroupInfo: { InstanceType: "kafka.t3.small", StorageInfo: { EBSStorageInfo: { VolumeSize: 10 } } },
    });
  });
});

describe("a new cluster that is kept", () => {
  const inNetwork = (template: Template, type: string) =>
    Object.values(template.findResources(type)).map(({ DeletionPolicy }) => DeletionPolicy as string | undefined);

  test.each([Kafka.mskProvisioned(), Kafka.mskServerless()])(
    "keeps what it stands in, but no endpoint that is paid for",
    (kafka) => {
      const template = on(kafka);
      for (const type of ["VPC", "Subnet", "RouteTable", "SubnetRouteTableAssociation", "SecurityGroup"])
        expect(new Set(inNetwork(template, `AWS::EC2::${type}`)), type).toEqual(new Set(["Retain"]));
      expect(new Set(inNetwork(template, "AWS::EC2::VPCEndpoint"))).toEqual(new Set([undefined]));
    },
  );

  test.each([
    ["AWS::MSK::Cluster", Kafka.mskProvisioned({ keep: false })],
    ["AWS::MSK::ServerlessCluster", Kafka.mskServerless({ keep: false })],
  ])("and %s that is not goes with its stack and its network, though never by an update", (type, kafka) => {
    const template = on(kafka);
    template.hasResource(type, { DeletionPolicy: "Delete", UpdateReplacePolicy: "Retain" });
    expect(inNetwork(template, "AWS::EC2::VPC")).toEqual([undefined]);
  });
});

describe("a new serverless cluster", () => {
  const template = on(Kafka.mskServerless());

  test("stays, and has its topics made and checked by a function, which CloudFormation cannot do for it", () => {
    template.hasResource("AWS::MSK::ServerlessCluster", { DeletionPolicy: "Retain" });
    template.resourceCountIs("AWS::MSK::Topic", 0);
    const [{ topics, external } = {}] = resourcesOf(template, "Custom::MillraceTopics");
    expect(JSON.parse(topics as string)).toContainEqual({
      name: "counts",
      partitions: 2,
      compacted: false,
      retentionMs: 3_600_000,
    });
    expect(JSON.parse(external as string)).toEqual([{ name: "archive", partitions: 3, compacted: false }]);
  });

  test("mappings wait for the topics", () => {
    const mappings = Object.values(
      template.findResources("AWS::Lambda::EventSourceMapping", { Properties: { Topics: Match.anyValue() } }),
    );
    for (const { DependsOn } of mappings) expect(JSON.stringify(DependsOn)).toContain("ShopTopics");
  });
});

describe("an MSK cluster that is there", () => {
  test("is used in its network, and nothing is made of it", () => {
    const template = shopTemplate();
    for (const type of [
      "AWS::MSK::Cluster",
      "AWS::EC2::VPC",
      "AWS::EC2::VPCEndpoint",
      "AWS::MSK::Topic",
      "Custom::MillraceBootstrapServers",
    ])
      template.resourceCountIs(type, 0);
    expect(functionOf(template, "copy")).toMatchObject({ VpcConfig: { SecurityGroupIds: ["sg-0123456789abcdef0"] } });
    expect(mappingsOf(template)["lines → shop.copy"]).toMatchObject({ EventSourceArn: CLUSTER_ARN });
    expect(mappingsOf(template)["lines → shop.copy"]).not.toHaveProperty("SourceAccessConfigurations");
  });

  test("may have its topics made by CloudFormation", () => {
    const kafka = (stack: Stack) =>
      Kafka.msk({ clusterArn: CLUSTER_ARN, network: someNetwork(stack), topicsBy: "cloudformation" });
    on(kafka).resourceCountIs("AWS::MSK::Topic", 7);
  });
});

describe("logins", () => {
  const access = (kind: "scram-sha-256" | "scram-sha-512" | "plain" | "certificate") => {
    const stack = newStack();
    const secret = Secret.fromSecretCompleteArn(
      stack,
      "Login",
      "arn:aws:secretsmanager:eu-west-1:111122223333:secret:login-AbCdEf",
    );
    const kafka = Kafka.selfManaged({
      bootstrapServers: ["b-1.example.com:9094", "b-2.example.com:9094"],
      login: { kind, secret } as KafkaLogin,
    });
    shop(stack, { kafka, operators: [count] });
    return Template.fromStack(stack);
  };

  test.each([
    ["plain", "BASIC_AUTH", "plain"],
    ["scram-sha-256", "SASL_SCRAM_256_AUTH", "scram-sha-256"],
    ["scram-sha-512", "SASL_SCRAM_512_AUTH", "scram-sha-512"],
    ["certificate", "CLIENT_CERTIFICATE_TLS_AUTH", "none"],
  ] as const)("by %s: mapping and function read the same secret, and the function may", (kind, type, login) => {
    const template = access(kind);
    const uri = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:login-AbCdEf";
    expect(mappingsOf(template)["lines → shop.count"]).toMatchObject({
      SelfManagedEventSource: {
        Endpoints: { KafkaBootstrapServers: ["b-1.example.com:9094", "b-2.example.com:9094"] },
      },
      SourceAccessConfigurations: [{ Type: type, URI: uri }],
    });
    expect(functionOf(template, "count").Environment).toMatchObject({
      Variables: { MILLRACE_KAFKA_SECRET: uri, MILLRACE_KAFKA_LOGIN: login, MILLRACE_KAFKA_TLS: "true" },
    });
    expect(JSON.stringify(resourcesOf(template, "AWS::IAM::Policy"))).toContain("secretsmanager:GetSecretValue");
  });

  test("through the internet no function stands in a VPC, and none may touch network interfaces", () => {
    const template = access("scram-sha-512");
    expect(functionOf(template, "count")).not.toHaveProperty("VpcConfig");
    expect(JSON.stringify(resourcesOf(template, "AWS::IAM::Policy"))).not.toContain("ec2:");
  });

  test("in a network the mapping is told subnets and groups, and an authority of one's own is trusted", () => {
    const template = on((stack) =>
      Kafka.selfManaged({
        bootstrapServers: ["b-1.internal:9093"],
        login: { kind: "none" },
        network: someNetwork(stack),
        authority: Secret.fromSecretNameV2(stack, "Authority", "authority"),
      }),
    );
    const { SourceAccessConfigurations } = mappingsOf(template)["lines → shop.copy"] ?? {};
    const types = (SourceAccessConfigurations as { Type: string }[]).map(({ Type }) => Type);
    expect(types).toEqual(["SERVER_ROOT_CA_CERTIFICATE", "VPC_SUBNET", "VPC_SUBNET", "VPC_SECURITY_GROUP"]);
    expect(JSON.stringify(functionOf(template, "copy").Environment)).toContain("MILLRACE_KAFKA_AUTHORITY_SECRET");
  });
});

test("a prefix stands before all topics of the application, in Kafka, in mappings and in policies, and before nobody else's", () => {
  const stack = newStack();
  shop(stack, { topicPrefix: "dev." });
  const template = Template.fromStack(stack);
  expect(Object.keys(mappingsOf(template))).toContain("dev.count--by-key → shop.count--by-key");
  const [{ topics, external } = {}] = resourcesOf(template, "Custom::MillraceTopics");
  expect(JSON.parse(topics as string).every(({ name }: { name: string }) => name.startsWith("dev."))).toBe(true);
  expect(JSON.parse(external as string)).toMatchObject([{ name: "archive" }]);
  const policies = JSON.stringify(resourcesOf(template, "AWS::IAM::Policy"));
  expect(policies).toContain("/dev.lines");
  expect(policies).toContain("/archive");
  expect(policies).not.toContain("/lines");
  expect(functionOf(template, "count").Environment).toMatchObject({ Variables: { MILLRACE_TOPIC_PREFIX: "dev." } });
});

test("a Kafka beside an emulator has neither TLS nor login nor network, and whoever deploys makes its topics", () => {
  const template = on(Kafka.emulated({ bootstrapServers: ["127.0.0.1:9092"] }));
  const { Environment, VpcConfig } = functionOf(template, "count") as {
    Environment: { Variables: object };
    VpcConfig?: unknown;
  };
  expect(Environment.Variables).toMatchObject({
    KAFKA_BOOTSTRAP_SERVERS: "127.0.0.1:9092",
    MILLRACE_KAFKA_TLS: "false",
    MILLRACE_KAFKA_LOGIN: "none",
  });
  expect(VpcConfig).toBeUndefined();
  template.resourceCountIs("Custom::MillraceTopics", 0);
  template.resourceCountIs("AWS::MSK::Topic", 0);
  expect(Object.keys(mappingsOf(template))).toContain("lines → shop.count");
  const stack = newStack("Emulated");
  new MillraceApp(stack, "Alone", { kafka: Kafka.emulated({ bootstrapServers: ["a:1"] }), operators: [count] });
  Template.fromStack(stack).resourceCountIs("AWS::CloudFormation::Stack", 0);
  expect(() => Kafka.emulated({ bootstrapServers: [] })).toThrow("bootstrapServers is a list of host:port");
});
