/** The policies of a template as IAM would read them: which statements allow a call, by the names that its resources will have. */

import type { Template } from "aws-cdk-lib/assertions";
import { REGION } from "./recorded-calls.ts";

/** Something that is asked of AWS or Kafka, as IAM sees it. */
export type Call = {
  readonly action: string;
  readonly resource: string;
  /** Values of condition keys. */
  readonly conditions?: Readonly<Record<string, readonly string[]>>;
};

/** One action on one resource that a policy allows. */
export type Permission = {
  readonly action: string;
  readonly resource: string;
  readonly conditions: readonly {
    readonly key: string;
    readonly operator: string;
    readonly patterns: readonly string[];
  }[];
};

type Statement = {
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
};

type PolicyProperties = { readonly PolicyDocument: { readonly Statement: readonly Statement[] } };

const ACCOUNT = "111122223333";

/** What the role of a function may do. */
export function permissionsOf(template: Template, functionName: string): readonly Permission[] {
  const resources = template.toJSON().Resources as Resources;
  const found = Object.values(resources).find(({ Properties }) => Properties?.FunctionName === functionName);
  const role = roleOf(found);
  const policies = Object.values(resources).filter(
    ({ Type, Properties }) =>
      /^AWS::IAM::(Managed)?Policy$/.test(Type) &&
      (Properties?.Roles as { Ref: string }[] | undefined)?.some(({ Ref }) => Ref === role),
  );
  return policies.flatMap(({ Properties }) =>
    (Properties as unknown as PolicyProperties).PolicyDocument.Statement.flatMap((statement) =>
      [statement.Action].flat().flatMap((action) =>
        [statement.Resource].flat().map((resource) => ({
          action: action as string,
          resource: textOf(resource, resources),
          conditions: Object.entries(statement.Condition ?? {}).flatMap(([operator, keys]) =>
            Object.entries(keys).map(([key, patterns]) => ({
              key,
              operator,
              patterns: [patterns].flat().map((pattern) => textOf(pattern, resources)),
            })),
          ),
        })),
      ),
    ),
  );
}

function roleOf(found: Resources[string] | undefined): string {
  const { Role } = (found?.Properties ?? {}) as {
    readonly Role?: { readonly "Fn::GetAtt": readonly [string, string] };
  };
  if (Role === undefined) throw new Error("There is no such function in the template.");
  return Role["Fn::GetAtt"][0];
}

/** Whether it allows the call: action, resource and conditions. */
export function allows({ action, resource, conditions }: Permission, call: Call): boolean {
  return (
    action === call.action &&
    matches(resource, call.resource) &&
    conditions.every(({ key, operator, patterns }) => {
      const values = call.conditions?.[key] ?? [];
      const fits = (value: string) =>
        operator.endsWith("StringLike")
          ? patterns.some((pattern) => matches(pattern, value))
          : patterns.includes(value);
      // Without a value "ForAllValues" holds, and a plain one does not.
      return operator.startsWith("ForAllValues:") ? values.every(fits) : values.length > 0 && values.every(fits);
    })
  );
}

/** As IAM compares. */
function matches(pattern: string, text: string): boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s").test(text);
}

type Resources = Readonly<
  Record<string, { readonly Type: string; readonly Properties?: Readonly<Record<string, unknown>> }>
>;

/** What a value will be when it is deployed. */
function textOf(value: unknown, resources: Resources): string {
  if (typeof value === "string") return value;
  const {
    Ref,
    "Fn::GetAtt": attribute,
    "Fn::Join": join,
  } = value as {
    readonly Ref?: string;
    readonly "Fn::GetAtt"?: readonly [string, string];
    readonly "Fn::Join"?: readonly [string, readonly unknown[]];
  };
  if (join !== undefined) return join[1].map((part) => textOf(part, resources)).join(join[0]);
  if (Ref === "AWS::Partition") return "aws";
  if (Ref === "AWS::Region") return REGION;
  if (Ref === "AWS::AccountId") return ACCOUNT;
  const id = Ref ?? attribute?.[0] ?? "";
  const { Type = "", Properties = {} } = resources[id] ?? {};
  const arn = (service: string, rest: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;
  switch (Type) {
    case "AWS::DynamoDB::Table":
      return Ref === undefined ? arn("dynamodb", `table/${Properties.TableName}`) : String(Properties.TableName);
    case "AWS::SQS::Queue":
      return arn("sqs", String(Properties.QueueName));
    case "AWS::Logs::LogGroup":
      return arn("logs", `log-group:${Properties.LogGroupName}:*`);
    case "AWS::S3::Bucket":
      return `arn:aws:s3:::${id}`;
    default:
      throw new Error(`What ${JSON.stringify(value)} is, a ${Type}, nobody has said.`);
  }
}
