/** One function of an operator in a stack: its code, role and log, and the mappings that bring it what it reads. */

import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { type IManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  CfnEventSourceMapping,
  type Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  Tracing,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { LAMBDA_WINDOW_SECONDS } from "../cost/deployed-defaults.ts";
import { type LambdaSettings, toEnvironment } from "../lambda/lambda-settings.ts";
import { topicsReadBy } from "../local/tick.ts";
import { MillraceError } from "../stream/error.ts";
import type { FunctionPlan } from "../stream/plan.ts";
import { quote } from "../stream/sentence.ts";
import { acknowledge } from "./acknowledge.ts";
import { HANDLER } from "./bundle.ts";
import type { FunctionSettings } from "./function-settings.ts";
import type { Grant } from "./grant.ts";
import type { KafkaConnection } from "./kafka-connection.ts";
import { clusterLookupGrants, kafkaGrants, networkGrants } from "./kafka-grants.ts";
import { consumerGroupOf, physicalName } from "./names.ts";
import { addGrants } from "./to-policy.ts";

export type OperatorFunctionProps = {
  readonly plan: FunctionPlan;
  readonly settings: FunctionSettings;
  readonly code: Code;
  readonly kafka: KafkaConnection;
  /** What its environment says beside Kafka. */
  readonly lambda: Omit<LambdaSettings, "kafkaSecret" | "kafkaAuthoritySecret">;
  readonly toKafka: (topic: string) => string;
  readonly logRetention: RetentionDays;
  readonly tracing: boolean;
  readonly permissionsBoundary: IManagedPolicy | undefined;
  /** Beside what Kafka asks for. */
  readonly grants: readonly Grant[];
};

const POLLERS_MIN_DEFAULT = 1;

export class OperatorFunction extends Construct {
  readonly function: LambdaFunction;
  readonly role: Role;
  readonly mappings: readonly CfnEventSourceMapping[];

  constructor(scope: Construct, id: string, props: OperatorFunctionProps) {
    super(scope, id);
    const { plan, settings, kafka, lambda, toKafka, tracing, permissionsBoundary } = props;
    const functionName = physicalName(lambda.application, plan.name);
    const consumerGroup = consumerGroupOf(lambda.application, plan.name);
    const logGroup = new LogGroup(this, "Log", {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      description: `${plan.name} of ${lambda.application}`,
      ...(permissionsBoundary !== undefined && { permissionsBoundary }),
    });
    const { arns, secrets, network } = kafka;
    const secretArns = [secrets.own, secrets.authority].flatMap((secret) => secret?.secretArn ?? []);
    addGrants(this.role, [
      {
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [logGroup.logGroupArn],
        reason: "A log group's streams are its own.",
      },
      ...(arns === undefined
        ? []
        : kafkaGrants(plan, { application: lambda.application, consumerGroup, toKafka }, arns)),
      ...(kafka.clusterArn === undefined ? [] : clusterLookupGrants(kafka.clusterArn)),
      ...(network === undefined ? [] : networkGrants()),
      ...(secretArns.length === 0 ? [] : [{ actions: ["secretsmanager:GetSecretValue"], resources: secretArns }]),
      ...(tracing ? [TRACING] : []),
      ...props.grants,
    ]);
    const kafkaSecrets = {
      ...(secrets.own !== undefined && { kafkaSecret: secrets.own.secretArn }),
      ...(secrets.authority !== undefined && { kafkaAuthoritySecret: secrets.authority.secretArn }),
    };
    const environment = {
      NODE_OPTIONS: "--enable-source-maps",
      ...settings.environment,
      ...kafka.environment,
      ...toEnvironment({ ...lambda, ...kafkaSecrets }),
    };
    checkEnvironment(plan.name, environment);
    this.function = new LambdaFunction(this, "Function", {
      functionName,
      description: `${plan.name} of ${lambda.application}`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: HANDLER,
      code: props.code,
      role: this.role,
      memorySize: settings.memoryMb,
      timeout: Duration.seconds(settings.timeoutSeconds),
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      tracing: tracing ? Tracing.ACTIVE : Tracing.DISABLED,
      ...(settings.reservedConcurrency !== undefined && { reservedConcurrentExecutions: settings.reservedConcurrency }),
      ...(network !== undefined && {
        vpc: network.vpc,
        vpcSubnets: network.subnets,
        securityGroups: [...network.securityGroups],
      }),
      environment,
    });
    acknowledge(this, UNMISSED, NOTHING_IS_SKIPPED);
    acknowledge(
      this.function,
      ["Serverless-LambdaTracing"],
      "Tracing is paid by trace, and turned on for an application.",
    );
    this.mappings = topicsReadBy(plan).map(({ topic, startAt }) => {
      const mapping = this.#newMapping(props, toKafka(topic), consumerGroup, startAt);
      // Lambda looks at what the role may do when it makes the mapping.
      mapping.node.addDependency(this.role, ...kafka.dependencies);
      mapping.node.addValidation({ validate: () => problemsOf(plan, mapping) });
      return mapping;
    });
  }

  #newMapping(
    { kafka, settings }: OperatorFunctionProps,
    topic: string,
    consumerGroupId: string,
    startAt: "earliest" | "latest",
  ): CfnEventSourceMapping {
    const { batch, pollers, filters } = settings;
    const access = kafka.sourceAccess.map(({ type, uri }) => ({ type, uri }));
    return new CfnEventSourceMapping(this, `From-${topic}`, {
      functionName: this.function.functionArn,
      topics: [topic],
      startingPosition: startAt === "latest" ? "LATEST" : "TRIM_HORIZON",
      batchSize: batch.maxRecords,
      ...(filters.length > 0 && { filterCriteria: { filters: filters.map((pattern) => ({ pattern })) } }),
      // Lambda's own cannot be said.
      ...(batch.windowSeconds !== LAMBDA_WINDOW_SECONDS && { maximumBatchingWindowInSeconds: batch.windowSeconds }),
      ...(access.length > 0 && { sourceAccessConfigurations: access }),
      ...(kafka.clusterArn === undefined
        ? {
            selfManagedEventSource: { endpoints: { kafkaBootstrapServers: kafka.bootstrapServers.split(",") } },
            selfManagedKafkaEventSourceConfig: { consumerGroupId },
          }
        : {
            eventSourceArn: kafka.clusterArn,
            amazonManagedKafkaEventSourceConfig: { consumerGroupId },
          }),
      ...(pollers !== undefined && {
        provisionedPollerConfig: {
          minimumPollers: pollers.minimum ?? POLLERS_MIN_DEFAULT,
          maximumPollers: pollers.maximum ?? settings.tasks,
          ...(pollers.group !== undefined && { pollerGroupName: pollers.group }),
        },
      }),
    });
  }
}

/**
 * What was set at a mapping past this library and would lose records, or process what was left out: nothing is skipped, no batch succeeds in part, and what a log is
 * kept of is delivered whole.
 */
function problemsOf({ name, commits }: FunctionPlan, mapping: CfnEventSourceMapping): string[] {
  const { Properties = {} } = Object.values(
    Stack.of(mapping).resolve(mapping._toCloudFormation()).Resources as Record<string, { Properties?: object }>,
  )[0] as { readonly Properties?: Readonly<Record<string, unknown>> };
  const says = (properties: readonly string[], why: string) =>
    properties.flatMap((property) =>
      Properties[property] === undefined
        ? []
        : [`A mapping of function ${name} cannot have ${property}: ${why}. Leave it out.`],
    );
  return [
    ...says(
      ["DestinationConfig", "MaximumRetryAttempts", "MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError"],
      "Lambda would skip a batch that fails, and its records would be lost",
    ),
    ...says(["FunctionResponseTypes"], "a batch is processed whole or delivered again whole"),
    ...(commits ? says(["FilterCriteria"], "it keeps a log, and would process what the filters leave out") : []),
  ];
}

/** Of all variables together. */
const ENVIRONMENT_BYTES_MAX = 4_096;

/** Throws where the variables are more than Lambda takes; what is known only when it is deployed counts as it stands here. */
function checkEnvironment(name: string, environment: Readonly<Record<string, string>>): void {
  const bytes = Object.entries(environment).reduce((sum, [key, value]) => sum + Buffer.byteLength(key + value), 0);
  if (bytes > ENVIRONMENT_BYTES_MAX)
    throw new MillraceError(
      "definition",
      `The environment of function ${quote(name)} has ${bytes} bytes; Lambda takes ${ENVIRONMENT_BYTES_MAX}. Set less, or read long settings from a secret.`,
    );
}

const UNMISSED = ["Serverless-LambdaDLQ", "Serverless-LambdaEventSourceMappingDestination"];
const NOTHING_IS_SKIPPED =
  "A batch that fails is delivered until it succeeds: with a destination for failures Lambda would skip it after ten times, and its records would be lost. What cannot be processed goes to the operator's topic of dead letters.";

const TRACING: Grant = {
  actions: ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
  resources: ["*"],
  reason: "X-Ray has no resources of its own.",
};
