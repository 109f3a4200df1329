/**
 * The topics of an application: made by CloudFormation, or by a function that also takes those that are there if they fit. Whoever made them, they stay: no
 * update and no deletion of the stack takes a topic away with its records.
 */

import { CustomResource, Duration, RemovalPolicy } from "aws-cdk-lib";
import { type IManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, type Code, Function as LambdaFunction, LoggingFormat, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { CfnTopic } from "aws-cdk-lib/aws-msk";
import { Provider } from "aws-cdk-lib/custom-resources";
import { Construct } from "constructs";
import { toEnvironment } from "../lambda/lambda-settings.ts";
import type { TopicPlan } from "../stream/plan.ts";
import { acknowledge, acknowledgeCdkFunction } from "./acknowledge.ts";
import { HANDLER } from "./bundle.ts";
import type { KafkaConnection } from "./kafka-connection.ts";
import { clusterLookupGrants, networkGrants, topicGrants } from "./kafka-grants.ts";
import { addGrants } from "./to-policy.ts";

export type TopicsProps = {
  readonly topics: readonly TopicPlan[];
  readonly kafka: KafkaConnection;
  readonly toKafka: (topic: string) => string;
  /** Of the function, where there is one. */
  readonly functionName: string;
  /** Asked for where there is one. */
  readonly code: () => Code;
  readonly logRetention: RetentionDays;
  readonly permissionsBoundary: IManagedPolicy | undefined;
};

/** Event time may lie in the future; a broker refuses timestamps an hour ahead unless told so. */
const ANY_TIMESTAMP = ["message.timestamp.after.max.ms", "9223372036854775807"];
const TIMEOUT = Duration.minutes(5);
const MEMORY_MB = 512;

/** What a topic is made with, as Kafka calls it. */
function topicSettings({ compacted, retentionMs }: TopicPlan): readonly (readonly string[])[] {
  return [
    ["cleanup.policy", compacted ? "compact" : "delete"],
    ...(retentionMs === undefined ? [] : [["retention.ms", String(retentionMs)]]),
    ANY_TIMESTAMP,
  ];
}

export class Topics extends Construct {
  constructor(scope: Construct, id: string, props: TopicsProps) {
    super(scope, id);
    if (props.kafka.topicsBy === "cloudformation") this.#byCloudFormation(props);
    else if (props.kafka.topicsBy === "function") this.#byFunction(props);
  }

  #byCloudFormation({ topics, kafka, toKafka }: TopicsProps): void {
    for (const plan of topics.filter(({ external }) => !external)) {
      const settings = topicSettings(plan).map(([name, value]) => `${name}=${value}`);
      const topic = new CfnTopic(this, plan.name, {
        clusterArn: kafka.clusterArn as string,
        topicName: toKafka(plan.name),
        partitionCount: plan.partitions,
        replicationFactor: kafka.replicationFactor,
        configs: Buffer.from(settings.join("\n")).toString("base64"),
      });
      topic.applyRemovalPolicy(RemovalPolicy.RETAIN);
      topic.node.addDependency(...kafka.dependencies);
    }
  }

  #byFunction({ topics, kafka, toKafka, functionName, code, logRetention, permissionsBoundary }: TopicsProps): void {
    const boundary = permissionsBoundary === undefined ? {} : { permissionsBoundary };
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com"), ...boundary });
    const logGroup = new LogGroup(this, "Log", {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const { arns, network, secrets, clusterArn } = kafka;
    const own = topics
      .filter(({ external }) => !external)
      .map((plan) => ({ ...specOf(plan), name: toKafka(plan.name) }));
    const external = topics.filter((plan) => plan.external).map(specOf);
    const secretArns = [secrets.own, secrets.authority].flatMap((secret) => secret?.secretArn ?? []);
    addGrants(role, [
      {
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [logGroup.logGroupArn],
        reason: "A log group's streams are its own.",
      },
      ...(arns === undefined
        ? []
        : topicGrants(
            own.map(({ name }) => name),
            external.map(({ name }) => name),
            arns,
          )),
      ...(clusterArn === undefined ? [] : clusterLookupGrants(clusterArn)),
      ...(network === undefined ? [] : networkGrants()),
      ...(secretArns.length === 0 ? [] : [{ actions: ["secretsmanager:GetSecretValue"], resources: secretArns }]),
    ]);
    const creating = new LambdaFunction(this, "Function", {
      functionName,
      description: "Creates and checks topics while the stack is deployed",
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: HANDLER,
      code: code(),
      role,
      memorySize: MEMORY_MB,
      timeout: TIMEOUT,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      ...(network !== undefined && {
        vpc: network.vpc,
        vpcSubnets: network.subnets,
        securityGroups: [...network.securityGroups],
      }),
      environment: {
        NODE_OPTIONS: "--enable-source-maps",
        ...kafka.environment,
        ...toEnvironment({
          application: "",
          table: "",
          writtenElsewhere: [],
          kafkaSecret: secrets.own?.secretArn,
          kafkaAuthoritySecret: secrets.authority?.secretArn,
        }),
      },
    });
    const provider = new Provider(this, "Provider", {
      onEventHandler: creating,
      logGroup: new LogGroup(this, "ProviderLog", { retention: logRetention, removalPolicy: RemovalPolicy.DESTROY }),
    });
    acknowledgeCdkFunction(provider, creating.functionArn);
    acknowledge(
      creating,
      ["Serverless-LambdaDLQ", "Serverless-LambdaTracing"],
      "It runs only while the stack is deployed, and CloudFormation hears of its failure.",
    );
    const resource = new CustomResource(this, "Resource", {
      resourceType: "Custom::MillraceTopics",
      serviceToken: provider.serviceToken,
      properties: { topics: JSON.stringify(own), external: JSON.stringify(external) },
    });
    resource.node.addDependency(role, ...kafka.dependencies);
  }
}

function specOf({ name, partitions, compacted, retentionMs }: TopicPlan) {
  return { name, partitions, compacted, ...(retentionMs !== undefined && { retentionMs }) };
}
