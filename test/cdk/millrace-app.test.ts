/** What an application becomes in a stack, whatever its Kafka is: functions, mappings, state, wake-ups, what is seen of them. */

import { Match, Template } from "aws-cdk-lib/assertions";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { ManagedPolicy } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { RetentionDays } from "aws-cdk-lib/aws-logs";
import { Topic } from "aws-cdk-lib/aws-sns";
import { describe, expect, test } from "vitest";
import { ESSENTIAL_METRICS, NAMESPACE } from "../../lib/lambda/metrics.ts";
import { copy, count, functionOf, mappingsOf, newStack, resourcesOf, shop, shopTemplate, total } from "./synthesize.ts";

describe("functions", () => {
  const template = shopTemplate();

  test("there is one for each part of an operator, called after it", () => {
    const names = resourcesOf(template, "AWS::Lambda::Function").map(({ FunctionName }) => FunctionName);
    expect(names).toEqual(expect.arrayContaining(["shop-count", "shop-count--by-key", "shop-total", "shop-copy"]));
  });

  test("they run Node 24 on arm64, log JSON into a group of their own, and reserve no more than they have partitions", () => {
    expect(functionOf(template, "count--by-key")).toMatchObject({
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Handler: "index.handler",
      LoggingConfig: { LogFormat: "JSON" },
      MemorySize: 1024,
      Timeout: 180,
      ReservedConcurrentExecutions: 4,
    });
    expect(functionOf(template, "copy")).toMatchObject({
      MemorySize: 512,
      Timeout: 60,
      ReservedConcurrentExecutions: 4,
    });
    template.hasResourceProperties("AWS::Logs::LogGroup", {
      LogGroupName: "/aws/lambda/shop-total",
      RetentionInDays: 30,
    });
  });

  test("they are told who they are, where Kafka and the state are, and what others write", () => {
    const variables = (name: string) => (functionOf(template, name).Environment as { Variables: object }).Variables;
    expect(variables("total")).toMatchObject({
      MILLRACE_APPLICATION: "shop",
      KAFKA_BOOTSTRAP_SERVERS: "b-1.shop:9098",
      MILLRACE_KAFKA_LOGIN: "iam",
      MILLRACE_KAFKA_TLS: "true",
      MILLRACE_WRITTEN_TOPICS: "counts",
    });
    expect(variables("count")).not.toHaveProperty("MILLRACE_WRITTEN_TOPICS");
  });

  test("what the stack says of one goes before what it says of all", () => {
    const own = shopTemplate(() => ({
      tuning: "throughput",
      functions: {
        total: { memoryMb: 2_048, tuning: "latency", environment: { MODE: "fast" }, reservedConcurrency: "none" },
      },
    }));
    expect(functionOf(own, "total")).toMatchObject({ MemorySize: 2_048, Environment: { Variables: { MODE: "fast" } } });
    expect(functionOf(own, "total")).not.toHaveProperty("ReservedConcurrentExecutions");
    expect(mappingsOf(own)["counts → shop.total"]).toMatchObject({
      BatchSize: 1_000,
      MaximumBatchingWindowInSeconds: 0,
    });
    expect(mappingsOf(own)["lines → shop.copy"]).toMatchObject({
      BatchSize: 10_000,
      MaximumBatchingWindowInSeconds: 5,
    });
  });

  test("tracing, retention and a boundary are had by asking", () => {
    const asked = shopTemplate((stack) => ({
      tracing: true,
      logRetention: RetentionDays.ONE_WEEK,
      permissionsBoundary: ManagedPolicy.fromManagedPolicyName(stack, "Boundary", "boundary"),
    }));
    expect(functionOf(asked, "copy")).toMatchObject({ TracingConfig: { Mode: "Active" } });
    expect(functionOf(template, "copy")).not.toHaveProperty("TracingConfig");
    asked.hasResourceProperties("AWS::Logs::LogGroup", { LogGroupName: "/aws/lambda/shop-copy", RetentionInDays: 7 });
    const roles = resourcesOf(asked, "AWS::IAM::Role").filter(({ Description }) =>
      String(Description).endsWith("of shop"),
    );
    expect(roles).toHaveLength(4);
    for (const role of roles) expect(JSON.stringify(role.PermissionsBoundary)).toContain("boundary");
  });

  test("app.function gives one by its name", () => {
    const app = shop(newStack());
    expect(app.function("count--by-key").node.path).toContain("count--by-key");
    expect(() => app.function("count--by-word")).toThrow(
      'There is no function "count--by-word"; there are count, count--by-key, total and copy',
    );
  });
});

describe("mappings", () => {
  const mappings = mappingsOf(shopTemplate());

  test("there is one for each topic a function reads, with a consumer group of the function's own, from the beginning", () => {
    expect(Object.keys(mappings).sort()).toEqual([
      "count--by-key → shop.count--by-key",
      "counts → shop.total",
      "lines → shop.copy",
      "lines → shop.count",
    ]);
    for (const mapping of Object.values(mappings)) expect(mapping.StartingPosition).toBe("TRIM_HORIZON");
  });

  test("a mapping gathers for as long as Lambda does by itself, half a second, unless the stack says otherwise", () => {
    for (const mapping of Object.values(mappings)) {
      expect(mapping).not.toHaveProperty("MaximumBatchingWindowInSeconds");
      expect(mapping.BatchSize).toBe(10_000);
    }
  });

  test("none skips a batch: no destination for failures, no limit of retries, no partial success", () => {
    for (const mapping of Object.values(mappings))
      for (const property of [
        "DestinationConfig",
        "MaximumRetryAttempts",
        "MaximumRecordAgeInSeconds",
        "FunctionResponseTypes",
        "BisectBatchOnFunctionError",
      ])
        expect(mapping).not.toHaveProperty(property);
  });

  test("pollers of one group are shared, and never more than partitions", () => {
    const provisioned = mappingsOf(
      shopTemplate(() => ({ pollers: { group: "shop" }, functions: { copy: { pollers: "on-demand" } } })),
    );
    expect(provisioned["counts → shop.total"]).toMatchObject({
      ProvisionedPollerConfig: { MinimumPollers: 1, MaximumPollers: 2, PollerGroupName: "shop" },
    });
    expect(provisioned["lines → shop.copy"]).not.toHaveProperty("ProvisionedPollerConfig");
  });
});

describe("state", () => {
  test("is one table with the log's keys, recoverable, guarded, and without an end by age", () => {
    const template = shopTemplate();
    template.resourceCountIs("AWS::DynamoDB::Table", 1);
    template.hasResource("AWS::DynamoDB::Table", {
      DeletionPolicy: "Retain",
      Properties: {
        KeySchema: [
          { AttributeName: "pk", KeyType: "HASH" },
          { AttributeName: "sk", KeyType: "RANGE" },
        ],
        BillingMode: "PAY_PER_REQUEST",
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
        TimeToLiveSpecification: Match.absent(),
      },
    });
    template.resourceCountIs("AWS::S3::Bucket", 0);
  });

  test("goes with a stack that is told so", () => {
    const template = shopTemplate(() => ({ keepState: false }));
    template.hasResource("AWS::DynamoDB::Table", {
      DeletionPolicy: "Delete",
      Properties: { DeletionProtectionEnabled: false },
    });
  });

  test("a key, provisioned units, insights and a bucket are had by asking", () => {
    const template = shopTemplate((stack) => ({
      state: {
        encryptionKey: new Key(stack, "Key"),
        provisioned: { readUnits: 5, writeUnits: 10 },
        contributorInsights: true,
        snapshotBucket: true,
      },
    }));
    template.hasResourceProperties("AWS::DynamoDB::Table", {
      SSESpecification: { SSEEnabled: true, SSEType: "KMS" },
      ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 10 },
      ContributorInsightsSpecification: { Enabled: true },
    });
    template.hasResource("AWS::S3::Bucket", {
      DeletionPolicy: "Retain",
      Properties: {
        PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
        VersioningConfiguration: Match.absent(),
      },
    });
    expect(JSON.stringify(functionOf(template, "copy").Environment)).toContain("s3://");
  });
});

describe("wake-ups", () => {
  const template = shopTemplate();

  test("queue and schedule are there for what waits for the clock, and for nothing else", () => {
    const queues = resourcesOf(template, "AWS::SQS::Queue").map(({ QueueName }) => QueueName);
    expect(queues.sort()).toEqual(["shop-count--by-key-wake-ups", "shop-count-wake-ups"]);
    template.resourceCountIs("AWS::Scheduler::Schedule", 2);
    const none = shopTemplate(() => ({ operators: [copy] }));
    none.resourceCountIs("AWS::SQS::Queue", 0);
    none.resourceCountIs("AWS::Scheduler::Schedule", 0);
  });

  test("the schedule ticks every task of its function", () => {
    const inputs = resourcesOf(template, "AWS::Scheduler::Schedule").map(({ Target }) =>
      JSON.parse((Target as { Input: string }).Input),
    );
    expect(inputs).toContainEqual({
      eventSource: "millrace:tick",
      functionName: "count",
      tasks: [0, 1, 2, 3].map((partition) => ({ topic: "lines", partition })),
    });
  });

  test("the queue is encrypted, takes TLS alone, and keeps a message back longer than its function takes", () => {
    template.hasResourceProperties("AWS::SQS::Queue", { SqsManagedSseEnabled: true, VisibilityTimeout: 6 * 180 });
    template.hasResourceProperties("AWS::SQS::QueuePolicy", {
      PolicyDocument: {
        Statement: [Match.objectLike({ Effect: "Deny", Condition: { Bool: { "aws:SecureTransport": "false" } } })],
      },
    });
  });
});

describe("what is seen", () => {
  test("each function has alarms that say what to do, and one dashboard has a row for each operator", () => {
    const template = shopTemplate();
    const alarms = resourcesOf(template, "AWS::CloudWatch::Alarm").map(({ AlarmName }) => AlarmName as string);
    expect(alarms.filter((name) => name.startsWith("shop-count--by-key-")).sort()).toEqual([
      "shop-count--by-key-behind",
      "shop-count--by-key-dead-letters",
      "shop-count--by-key-errors",
      "shop-count--by-key-near-its-timeout",
      "shop-count--by-key-throttles",
      "shop-count--by-key-watermark-stands",
    ]);
    template.resourceCountIs("AWS::CloudWatch::Dashboard", 1);
    const [{ DashboardBody } = {}] = resourcesOf(template, "AWS::CloudWatch::Dashboard");
    for (const name of ["count", "total", "copy"]) expect(JSON.stringify(DashboardBody)).toContain(`## ${name}`);
  });

  test("CloudWatch makes metrics of what alarms and the dashboard ask for, and of the rest where the stack asks", () => {
    const template = shopTemplate();
    const ringing = resourcesOf(template, "AWS::CloudWatch::Alarm").filter(({ Namespace }) => Namespace === NAMESPACE);
    const [{ DashboardBody } = {}] = resourcesOf(template, "AWS::CloudWatch::Dashboard");
    const shown = JSON.stringify(DashboardBody)
      .replaceAll("\\", "")
      .matchAll(/"Millrace","(\w+)"/g);
    const names = [...ringing.map(({ MetricName }) => MetricName), ...[...shown].map(([, name]) => name)];
    expect([...new Set(names)].sort()).toEqual([...ESSENTIAL_METRICS].sort());
    const variables = (template: Template) =>
      (functionOf(template, "total").Environment as { Variables: object }).Variables;
    expect(variables(shopTemplate(() => ({ metrics: "all" })))).toMatchObject({ MILLRACE_METRICS: "all" });
    expect(variables(shopTemplate())).not.toHaveProperty("MILLRACE_METRICS");
  });

  test("lag is in seconds where MSK measures it", () => {
    shopTemplate().hasResourceProperties("AWS::CloudWatch::Alarm", {
      AlarmName: "shop-total-behind",
      Namespace: "AWS/Kafka",
      MetricName: "EstimatedMaxTimeLag",
      Threshold: 600,
      Dimensions: Match.arrayWith([{ Name: "Consumer Group", Value: "shop.total" }]),
    });
  });

  test("alarms tell whom they are told to, or are left out", () => {
    const told = shopTemplate((stack) => ({
      alarms: { actions: [new SnsAction(new Topic(stack, "Ops"))], lagSeconds: 60 },
    }));
    for (const alarm of resourcesOf(told, "AWS::CloudWatch::Alarm")) expect(alarm.AlarmActions).toHaveLength(1);
    const silent = shopTemplate(() => ({ alarms: false, dashboard: false }));
    silent.resourceCountIs("AWS::CloudWatch::Alarm", 0);
    silent.resourceCountIs("AWS::CloudWatch::Dashboard", 0);
  });
});

test("an operator may have a nested stack of its own", () => {
  const stack = newStack();
  shop(stack, { split: "per-operator", operators: [count, total] });
  const template = Template.fromStack(stack);
  template.resourceCountIs("AWS::CloudFormation::Stack", 2);
  template.resourceCountIs("AWS::DynamoDB::Table", 1);
  expect(Object.keys(mappingsOf(template))).toEqual([]);
});
