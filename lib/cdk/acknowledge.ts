/** Says to validators of templates, such as cdk-nag, why something is as it is. */

import { Stack, Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/** What rules find on this construct, and on what it is made of, is meant. */
export function acknowledge(construct: IConstruct, ids: readonly string[], reason: string): void {
  Validations.of(construct).acknowledge(...ids.map((id) => ({ id, reason })));
}

/** A policy names a resource with a wildcard. */
export function acknowledgeWildcard(construct: IConstruct, resource: string, reason: string): void {
  const name = flatten(Stack.of(construct).resolve(resource));
  acknowledge(construct, [`AwsSolutions-IAM5[Resource::${name}]`], reason);
}

/** A function and its role are the CDK's own. `target`: what it may invoke, if anything, in all versions. */
export function acknowledgeCdkFunction(construct: IConstruct, target?: string): void {
  const reason =
    "The function is the CDK's own, which chooses its runtime, its size and its role; it runs only while the stack is deployed.";
  acknowledge(construct, OF_CDK_FUNCTIONS, reason);
  if (target !== undefined) acknowledgeWildcard(construct, `${target}:*`, reason);
}

const OF_CDK_FUNCTIONS = [
  "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]",
  "AwsSolutions-L1",
  "Serverless-LambdaDLQ",
  "Serverless-LambdaDefaultMemorySize",
  "Serverless-LambdaTracing",
];

/** A name as cdk-nag writes it: references as `<LogicalId.Attribute>`. */
function flatten(value: unknown): string {
  if (typeof value === "string") return value.replaceAll("${", "<").replaceAll("}", ">");
  const {
    "Fn::Join": join,
    "Fn::GetAtt": attribute,
    Ref: reference,
  } = value as {
    readonly "Fn::Join"?: readonly [string, readonly unknown[]];
    readonly "Fn::GetAtt"?: readonly [string, string];
    readonly Ref?: string;
  };
  if (join !== undefined) return join[1].map(flatten).join(join[0]);
  if (attribute !== undefined) return `<${attribute.join(".")}>`;
  if (reference !== undefined) return `<${reference}>`;
  return JSON.stringify(value);
}
