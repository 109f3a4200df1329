/** What a function may do in an MSK cluster with IAM: per topic, per group, per transactional id. */

import type { FunctionPlan } from "../stream/plan.ts";
import type { Grant } from "./grant.ts";

/** Names in the cluster, as ARNs. */
export type ClusterArns = {
  readonly cluster: string;
  readonly topic: (name: string) => string;
  readonly group: (name: string) => string;
  readonly transactionalId: (id: string) => string;
};

/** ARNs below `arn:…:cluster/name/uuid`. `split` cuts a text, or what will be one when it is deployed. */
export function clusterArns(
  cluster: string,
  split: (text: string, at: string) => readonly [string, string],
): ClusterArns {
  const [service, path] = split(cluster, ":cluster/");
  const below = (kind: string) => (name: string) => `${service}:${kind}/${path}/${name}`;
  return { cluster, topic: below("topic"), group: below("group"), transactionalId: below("transactional-id") };
}

export type KafkaNames = {
  readonly application: string;
  readonly consumerGroup: string;
  readonly toKafka: (topic: string) => string;
};

/** What it and its event source mappings, which act as its role, ask of the cluster. */
export function kafkaGrants(
  plan: FunctionPlan,
  { application, consumerGroup, toKafka }: KafkaNames,
  arns: ClusterArns,
): readonly Grant[] {
  const topics = (names: Iterable<string>) => [...new Set(names)].map((name) => arns.topic(toKafka(name)));
  const read = plan.shuffle === undefined ? plan.sources.map(({ topic }) => topic.topicName) : [plan.shuffle.name];
  const once = plan.topicOutputs.filter(({ topic }) => topic.exactlyOnce).map(({ topic }) => topic.topicName);
  const written = [
    ...plan.shuffleOutputs.map(({ shuffle }) => shuffle.name),
    ...plan.topicOutputs.map(({ topic }) => topic.topicName),
    plan.deadLetterTopic,
  ];
  const own = `${application}/${plan.name}/*`;
  return [
    // The second is what Lambda asks for its mappings.
    {
      actions: ["kafka-cluster:Connect", "kafka-cluster:DescribeClusterDynamicConfiguration"],
      resources: [arns.cluster],
    },
    // Topics that are written exactly once are read to see whether Kafka has lost the end of a transaction.
    { actions: ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"], resources: topics([...read, ...once]) },
    { actions: ["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"], resources: topics(written) },
    { actions: ["kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"], resources: [arns.group(consumerGroup)] },
    ...(once.length === 0
      ? []
      : [
          {
            actions: ["kafka-cluster:DescribeTransactionalId", "kafka-cluster:AlterTransactionalId"],
            resources: [arns.transactionalId(own)],
            reason: "Transactional ids are the tasks of this function: one for each partition and generation.",
          },
          {
            actions: ["kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"],
            resources: [arns.group(own)],
            reason: "Each transactional id has a group of the same name, for the number of its last commit.",
          },
        ]),
  ];
}

/** What Lambda asks as the function's role to find the brokers of an MSK cluster. */
export function clusterLookupGrants(clusterArn: string): readonly Grant[] {
  return [
    {
      actions: ["kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers"],
      resources: [clusterArn],
    },
  ];
}

/** What Lambda asks as the function's role to put network interfaces into a VPC. */
export function networkGrants(): readonly Grant[] {
  return [
    {
      actions: [
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
      ],
      resources: ["*"],
      reason:
        "Lambda checks these for all resources when it connects a function or a mapping to a VPC; EC2 has no narrower ones for what it describes.",
    },
  ];
}

/** What it takes to create the application's topics and to check them and those of others. */
export function topicGrants(own: readonly string[], external: readonly string[], arns: ClusterArns): readonly Grant[] {
  return [
    { actions: ["kafka-cluster:Connect"], resources: [arns.cluster] },
    {
      actions: ["kafka-cluster:CreateTopic", "kafka-cluster:DescribeTopicDynamicConfiguration"],
      resources: own.map(arns.topic),
    },
    { actions: ["kafka-cluster:DescribeTopic"], resources: [...own, ...external].map(arns.topic) },
  ];
}
