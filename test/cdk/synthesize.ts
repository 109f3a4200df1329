/** Applications in stacks, synthesized without their code so that it is fast; and what is in the templates. */

import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { SecurityGroup, Vpc } from "aws-cdk-lib/aws-ec2";
import { boundedOutOfOrderness, json, minutes, operator, seconds, stream, text, topic, tumbling } from "millrace";
import { Kafka, type KafkaNetwork, MillraceApp, type MillraceAppProps } from "millrace/cdk";
import { vi } from "vitest";

// The CDK takes seconds for its first stack where others use the machine too.
vi.setConfig({ testTimeout: 60_000 });

export const lines = topic("lines", {
  value: text(),
  watermark: boundedOutOfOrderness(seconds(2), { idleAfter: seconds(5) }),
  partitions: 4,
});
export const counts = topic("counts", { key: text(), value: json<number>(), partitions: 2, retention: minutes(60) });
const totals = topic("totals", { key: text(), value: json<number>(), exactlyOnce: true });
const archive = topic("archive", { value: text(), external: true, partitions: 3 });

/** Keeps state behind a shuffle, and waits for the clock. */
export const count = operator(
  "count",
  stream(lines)
    .keyBy((line) => line)
    .window(tumbling(minutes(1)))
    .count()
    .to(counts.from(({ value }) => value)),
);
/** Keeps state in the partitions of its topic, writes in transactions, and needs no clock. */
export const total = operator(
  "total",
  stream(counts)
    .keyedByTopicKey()
    .sum((value) => value)
    .to(totals.from(({ value }) => value)),
);
/** Keeps no log. */
export const copy = operator("copy", stream(lines).to(archive));

/** A stack's template, without bundles. */
export function newStack(id = "Test", app = newApp()): Stack {
  return new Stack(app, id, { env: { account: "111122223333", region: "eu-west-1" } });
}

export function newApp(): App {
  return new App({
    context: { "aws:cdk:bundling-stacks": [], "@aws-cdk/aws-iam:minimizePolicies": true },
    analyticsReporting: false,
  });
}

export const CLUSTER_ARN = "arn:aws:kafka:eu-west-1:111122223333:cluster/shop/11111111-2222-3333-4444-555555555555-1";

/** A network that is there. */
export function someNetwork(stack: Stack): KafkaNetwork {
  const vpc = Vpc.fromVpcAttributes(stack, "Net", {
    vpcId: "vpc-0123456789abcdef0",
    availabilityZones: ["eu-west-1a", "eu-west-1b"],
    privateSubnetIds: ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
  });
  return { vpc, securityGroups: [SecurityGroup.fromSecurityGroupId(stack, "NetGroup", "sg-0123456789abcdef0")] };
}

export function existingMsk(stack: Stack): Kafka {
  return Kafka.msk({ clusterArn: CLUSTER_ARN, network: someNetwork(stack), bootstrapServers: "b-1.shop:9098" });
}

/** All three operators on an MSK cluster that is there, in one template; `props` say otherwise. */
export function shop(stack: Stack, props: Partial<MillraceAppProps> = {}): MillraceApp {
  return new MillraceApp(stack, "Shop", {
    kafka: props.kafka ?? existingMsk(stack),
    operators: [count, total, copy],
    split: "together",
    ...props,
  });
}

export type Properties = Record<string, unknown>;

/** The template of the shop. */
export function shopTemplate(props: (stack: Stack) => Partial<MillraceAppProps> = () => ({})): Template {
  const stack = newStack();
  shop(stack, props(stack));
  return Template.fromStack(stack);
}

/** The properties of resources of a type. */
export function resourcesOf(template: Template, type: string): Properties[] {
  return Object.values(template.findResources(type)).map(({ Properties: properties }) => properties as Properties);
}

/** A function's properties by its name in the application. */
export function functionOf(template: Template, name: string): Properties {
  return resourcesOf(template, "AWS::Lambda::Function").find(
    ({ FunctionName }) => FunctionName === `shop-${name}`,
  ) as Properties;
}

/** The mappings from Kafka, by topic. */
export function mappingsOf(template: Template): Record<string, Properties> {
  return Object.fromEntries(
    resourcesOf(template, "AWS::Lambda::EventSourceMapping").flatMap((properties) => {
      const [topicName] = (properties.Topics ?? []) as string[];
      return topicName === undefined ? [] : [[`${topicName} → ${groupOf(properties)}`, properties]];
    }),
  );
}

function groupOf({ AmazonManagedKafkaEventSourceConfig, SelfManagedKafkaEventSourceConfig }: Properties): string {
  return ((AmazonManagedKafkaEventSourceConfig ?? SelfManagedKafkaEventSourceConfig) as { ConsumerGroupId: string })
    .ConsumerGroupId;
}
