/**
 * What refuses a deployment that would misread, leave behind or delete what is kept: a resource that knows the version of the code, and a function that compares
 * it with the version that is deployed before any function of the application changes (lib/lambda/check-version.ts).
 */

import { CustomResource, Duration, RemovalPolicy } from "aws-cdk-lib";
import { type IManagedPolicy, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, type Code, Function as LambdaFunction, LoggingFormat, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { VersionProperties } from "../lambda/check-version.ts";
import type { DeployedVersion } from "../runtime/changes.ts";
import { acknowledge } from "./acknowledge.ts";
import { HANDLER } from "./bundle.ts";
import { addGrants } from "./to-policy.ts";

/** What `millrace changes` finds it by in a template. */
const VERSION_RESOURCE = "Custom::MillraceVersion";

export type VersionCheckProps = {
  readonly version: DeployedVersion;
  /** What names its Kafka. */
  readonly kafka: string;
  readonly emulated: boolean;
  readonly confirmed: readonly string[];
  readonly functionName: string;
  readonly code: Code;
  readonly logRetention: RetentionDays;
  readonly permissionsBoundary: IManagedPolicy | undefined;
};

/** It compares texts. */
const TIMEOUT = Duration.seconds(30);
/** CloudFormation waits for an answer no longer. */
const SERVICE_TIMEOUT = Duration.minutes(2);

export class VersionCheck extends Construct {
  /** What comes after it waits for its verdict. */
  readonly resource: CustomResource;

  constructor(scope: Construct, id: string, props: VersionCheckProps) {
    super(scope, id);
    const { version, kafka, emulated, confirmed, functionName, code, logRetention, permissionsBoundary } = props;
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      ...(permissionsBoundary !== undefined && { permissionsBoundary }),
    });
    const logGroup = new LogGroup(this, "Log", {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    addGrants(role, [
      {
        actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
        resources: [logGroup.logGroupArn],
        reason: "A log group's streams are its own.",
      },
    ]);
    const checking = new LambdaFunction(this, "Function", {
      functionName,
      description: "Compares versions while the stack is deployed",
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: HANDLER,
      code,
      role,
      timeout: TIMEOUT,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
    });
    acknowledge(
      checking,
      ["Serverless-LambdaDLQ", "Serverless-LambdaTracing", "Serverless-LambdaDefaultMemorySize"],
      "It runs only while the stack is deployed, compares a few texts, and CloudFormation hears of its failure.",
    );
    const properties: VersionProperties = {
      version: JSON.stringify(version),
      kafka,
      confirmed: JSON.stringify(confirmed),
      emulated: String(emulated),
    };
    this.resource = new CustomResource(this, "Resource", {
      resourceType: VERSION_RESOURCE,
      serviceToken: checking.functionArn,
      serviceTimeout: SERVICE_TIMEOUT,
      properties,
    });
    this.resource.node.addDependency(role);
  }
}
