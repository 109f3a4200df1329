/** What `cdk synth` has left in a folder, as far as functions can be run from it: their code, settings and environments. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MillraceError } from "../../stream/error.ts";
import { listOf, quote } from "../../stream/sentence.ts";
import type { FunctionCode } from "./execution-environment.ts";

/** A function of a template. */
export type SynthesizedFunction = FunctionCode & {
  /** Variables whose values only a deployment knows. */
  readonly unknown: readonly string[];
};

/** A mapping from Kafka of a template. */
export type SynthesizedMapping = {
  readonly functionName: string;
  readonly topic: string;
  readonly consumerGroup: string;
  readonly batchSize: number;
  readonly batchWindowSeconds: number;
  readonly startingPosition: "TRIM_HORIZON" | "LATEST";
  /** host:port, separated by commas; undefined where only a deployment knows them. */
  readonly bootstrapServers: string | undefined;
};

export type Assembly = {
  readonly functions: readonly SynthesizedFunction[];
  readonly mappings: readonly SynthesizedMapping[];
  /** The properties of resources of a type, as they stand in the templates. */
  propertiesOf(type: string): readonly Properties[];
};

type Properties = Readonly<Record<string, unknown>>;
type Resource = { readonly Type: string; readonly Properties?: Properties; readonly Metadata?: Properties };
type Template = { readonly Resources: Readonly<Record<string, Resource>> };
type Manifest = {
  readonly artifacts?: Readonly<
    Record<string, { readonly type: string; readonly properties?: { templateFile?: string; stackName?: string } }>
  >;
};

const TEMPLATE_END = ".template.json";
const STACK = "aws:cloudformation:stack";
/** Under which of its properties a resource has the name that a reference to it means. */
const NAME_PROPERTIES: Readonly<Record<string, string>> = {
  "AWS::DynamoDB::Table": "TableName",
  "AWS::DynamoDB::GlobalTable": "TableName",
  "AWS::S3::Bucket": "BucketName",
  "AWS::Lambda::Function": "FunctionName",
};

/** Reads a folder; of it, where a stack is named, what belongs to that. Throws MillraceError "usage" where there are no templates, or none of that stack. */
export function readAssembly(folder: string, stack?: string): Assembly {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(TEMPLATE_END)) : [];
  if (files.length === 0)
    throw new MillraceError("usage", `There are no templates in ${folder}: npx cdk synth makes them.`);
  const readTemplate = (name: string) => JSON.parse(readFileSync(join(folder, name), "utf8")) as Template;
  const templates = stack === undefined ? files.map(readTemplate) : templatesOf(stack, folder, readTemplate);
  const all = templates.flatMap((template) => Object.values(template.Resources).map((one) => ({ ...one, template })));
  const ofType = (type: string) =>
    all.flatMap(({ Type, Properties = {}, template }) =>
      Type === type ? [{ properties: Properties, textOf: (value: unknown) => textIn(value, template, templates) }] : [],
    );
  return {
    functions: ofType("AWS::Lambda::Function").flatMap((found) => toFunction(folder, found) ?? []),
    mappings: ofType("AWS::Lambda::EventSourceMapping").flatMap(toMappings),
    propertiesOf: (type) => ofType(type).map(({ properties }) => properties),
  };
}

/** A stack's template and those of the stacks in it. */
function templatesOf(stack: string, folder: string, readTemplate: (name: string) => Template): readonly Template[] {
  const { artifacts = {} } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")) as Manifest;
  const stacks = Object.entries(artifacts).filter(([, { type }]) => type === STACK);
  const found = stacks.find(([id, { properties }]) => stack === (properties?.stackName ?? id) || stack === id);
  const file = found?.[1].properties?.templateFile;
  if (file === undefined)
    throw new MillraceError(
      "usage",
      `There is no stack ${quote(stack)} in ${folder}; there are ${listOf(stacks.map(([id]) => id))}.`,
    );
  const withNested = (name: string): readonly Template[] => {
    const template = readTemplate(name);
    const nested = Object.values(template.Resources).flatMap(({ Type, Metadata }) => {
      const path = Metadata?.["aws:asset:path"];
      return Type === "AWS::CloudFormation::Stack" && typeof path === "string" ? withNested(path) : [];
    });
    return [template, ...nested];
  };
  return withNested(file);
}

/** A function by its name in AWS, or in its application. Throws MillraceError "usage" where there is none, or more than one. */
export function functionIn({ functions }: Assembly, name: string): SynthesizedFunction {
  const isMeant = (one: SynthesizedFunction) =>
    one.name === name || one.name === `${one.environment.MILLRACE_APPLICATION}-${name}`;
  const found = functions.filter(isMeant);
  if (found.length === 1) return found[0] as SynthesizedFunction;
  const there = listOf((found.length > 1 ? found : functions).map((one) => one.name));
  throw new MillraceError(
    "usage",
    found.length > 1
      ? `${quote(name)} may be any of ${there}; say which.`
      : `There is no function ${quote(name)} in the templates; there are ${there}.`,
  );
}

type Found = { readonly properties: Properties; readonly textOf: (value: unknown) => string | undefined };

/** undefined: code that is not in the folder, or none for Node. */
function toFunction(folder: string, { properties, textOf }: Found): SynthesizedFunction | undefined {
  const { FunctionName, Code, Handler, MemorySize, Timeout, LoggingConfig, Environment, Runtime } = properties as {
    FunctionName?: unknown;
    Code: { S3Key?: string };
    Handler: string;
    MemorySize?: number;
    Timeout?: number;
    LoggingConfig?: { LogFormat?: string };
    Environment?: { Variables: Properties };
    Runtime?: unknown;
  };
  const name = textOf(FunctionName);
  const taskRoot = join(folder, `asset.${Code.S3Key?.replace(/\.zip$/, "")}`);
  if (name === undefined || typeof Runtime !== "string" || !Runtime.startsWith("nodejs") || !existsSync(taskRoot))
    return undefined;
  const variables = Object.entries(Environment?.Variables ?? {}).map(([key, value]) => [key, textOf(value)] as const);
  return {
    name,
    handler: Handler,
    taskRoot,
    memoryMb: MemorySize ?? 128,
    timeoutSeconds: Timeout ?? 3,
    jsonLogs: LoggingConfig?.LogFormat === "JSON",
    environment: Object.fromEntries(variables.flatMap(([key, text]) => (text === undefined ? [] : [[key, text]]))),
    unknown: variables.flatMap(([key, text]) => (text === undefined ? [key] : [])),
  };
}

function toMappings({ properties, textOf }: Found): readonly SynthesizedMapping[] {
  const {
    Topics = [],
    FunctionName,
    BatchSize = 100,
    MaximumBatchingWindowInSeconds = 0.5,
    StartingPosition,
    AmazonManagedKafkaEventSourceConfig: managed,
    SelfManagedKafkaEventSourceConfig: selfManaged,
    SelfManagedEventSource: source,
  } = properties as {
    Topics?: readonly string[];
    FunctionName: unknown;
    BatchSize?: number;
    MaximumBatchingWindowInSeconds?: number;
    StartingPosition: SynthesizedMapping["startingPosition"];
    AmazonManagedKafkaEventSourceConfig?: { ConsumerGroupId: string };
    SelfManagedKafkaEventSourceConfig?: { ConsumerGroupId: string };
    SelfManagedEventSource?: { Endpoints: { KafkaBootstrapServers: readonly unknown[] } };
  };
  const servers = source?.Endpoints.KafkaBootstrapServers.map(textOf);
  const functionName = textOf(FunctionName);
  const consumerGroup = (managed ?? selfManaged)?.ConsumerGroupId;
  if (functionName === undefined || consumerGroup === undefined) return [];
  return Topics.map((topic) => ({
    functionName,
    topic,
    consumerGroup,
    batchSize: BatchSize,
    batchWindowSeconds: MaximumBatchingWindowInSeconds,
    startingPosition: StartingPosition,
    bootstrapServers: servers?.includes(undefined) === false ? servers.join() : undefined,
  }));
}

/** What a value of a template will be, where that is known beforehand: texts, what is joined of them, and the names of resources. */
function textIn(value: unknown, template: Template, templates: readonly Template[]): string | undefined {
  if (typeof value !== "object" || value === null) return value === undefined ? undefined : String(value);
  const {
    Ref,
    "Fn::GetAtt": attribute,
    "Fn::Join": joined,
  } = value as {
    Ref?: string;
    "Fn::GetAtt"?: readonly [string, string];
    "Fn::Join"?: readonly [string, readonly unknown[]];
  };
  if (Ref !== undefined) return nameOf(Ref, template, templates);
  // Mappings name their function by its ARN; whoever runs it here needs its name.
  if (attribute !== undefined && attribute[1] === "Arn" && isFunction(template, attribute[0]))
    return nameOf(attribute[0], template, templates);
  if (joined === undefined) return undefined;
  const parts = joined[1].map((part) => textIn(part, template, templates));
  return parts.includes(undefined) ? undefined : parts.join(joined[0]);
}

function nameOf(id: string, template: Template, templates: readonly Template[]): string | undefined {
  const resource = template.Resources[id];
  if (resource === undefined) return parameterOf(id, templates);
  const property = NAME_PROPERTIES[resource.Type];
  if (property === undefined) return undefined;
  // CloudFormation makes a name of the id where none is said.
  return textIn(resource.Properties?.[property] ?? id, template, templates);
}

/** A nested stack is told what it needs of others by the stack around it. */
function parameterOf(name: string, templates: readonly Template[]): string | undefined {
  for (const template of templates)
    for (const { Type, Properties = {} } of Object.values(template.Resources)) {
      if (Type !== "AWS::CloudFormation::Stack") continue;
      const told = (Properties.Parameters as Properties | undefined)?.[name];
      if (told !== undefined) return textIn(told, template, templates);
    }
  return undefined;
}

function isFunction({ Resources }: Template, id: string): boolean {
  return Resources[id]?.Type === "AWS::Lambda::Function";
}
