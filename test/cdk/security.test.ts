/** docs/security.md, held against synthesized templates: who can do what, what is encrypted, which ports are open. */

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Match, type Template } from "aws-cdk-lib/assertions";
import { Key } from "aws-cdk-lib/aws-kms";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Kafka } from "millrace/cdk";
import { describe, expect, test } from "vitest";
import { existingMsk, resourcesOf, shopTemplate } from "./synthesize.ts";

const DOCUMENT = readFileSync(resolve(import.meta.dirname, "../../docs/security.md"), "utf8");
/** Actions in the first column of the table. */
const DOCUMENTED = DOCUMENT.split("\n")
  .filter((line) => /^\| `[a-z0-9-]+:/.test(line))
  .flatMap((line) => [...(line.split("|")[1] as string).matchAll(/`([^`]+)`/g)].map(([, action]) => action as string));
const WIDE = /^(ec2|xray):/;

type Statement = { readonly Effect: string; readonly Action: string | string[]; readonly Resource: unknown };
type Ingress = { readonly FromPort: number; readonly ToPort: number; readonly SourceSecurityGroupId: unknown };

const everything = shopTemplate((stack) => ({
  kafka: Kafka.mskServerless(),
  tracing: true,
  state: { snapshotBucket: true, encryptionKey: new Key(stack, "Key") },
}));
const provisioned = shopTemplate(() => ({ kafka: Kafka.mskProvisioned() }));
const existing = shopTemplate((stack) => ({ kafka: existingMsk(stack) }));
const byPassword = shopTemplate((stack) => ({
  kafka: Kafka.selfManaged({
    bootstrapServers: ["kafka.example:9096"],
    login: { kind: "scram-sha-512", secret: Secret.fromSecretNameV2(stack, "Login", "login") },
  }),
}));
const all = [everything, provisioned, existing, byPassword];

/** What the roles of our functions may do: those with names, which the CDK's own have not. */
function statementsOf(template: Template): readonly Statement[] {
  const ours = resourcesOf(template, "AWS::Lambda::Function").filter(({ FunctionName }) => FunctionName !== undefined);
  const roles = new Set(ours.map(({ Role }) => (Role as { "Fn::GetAtt": [string, string] })["Fn::GetAtt"][0]));
  return resourcesOf(template, "AWS::IAM::Policy").flatMap(({ Roles, PolicyDocument }) =>
    (Roles as { Ref: string }[]).some(({ Ref }) => roles.has(Ref))
      ? (PolicyDocument as { Statement: Statement[] }).Statement
      : [],
  );
}
const actionsOf = ({ Action }: Statement) => [Action].flat();

describe("who can do what", () => {
  test("the roles of functions have the actions that the document lists, and no others", () => {
    const actions = new Set(all.flatMap(statementsOf).flatMap(actionsOf));
    expect([...actions].sort()).toEqual([...new Set(DOCUMENTED)].sort());
  });

  test("only what EC2 and X-Ray have no narrower resources for is allowed on everything", () => {
    for (const statement of all.flatMap(statementsOf)) {
      expect(statement.Effect).toBe("Allow");
      if ([statement.Resource].flat().includes("*"))
        for (const action of actionsOf(statement)) expect(action).toMatch(WIDE);
    }
  });

  test("a function's role is Lambda's to take, a schedule's may invoke one function", () => {
    for (const { AssumeRolePolicyDocument: document } of resourcesOf(everything, "AWS::IAM::Role"))
      expect(JSON.stringify(document)).toMatch(/"Service":"(lambda|scheduler)\.amazonaws\.com"/);
    const schedules = resourcesOf(everything, "AWS::Scheduler::Schedule") as { Target: { RoleArn: unknown } }[];
    expect(schedules.length).toBeGreaterThan(0);
    everything.resourceCountIs("AWS::Lambda::Permission", 0);
  });

  test("policies of IAM say nothing about topics where Kafka knows another login", () => {
    expect(statementsOf(byPassword).flatMap(actionsOf).join()).not.toContain("kafka");
  });
});

describe("what is encrypted", () => {
  test("state and snapshots with the key that is given, and by DynamoDB and S3 without one", () => {
    everything.hasResourceProperties("AWS::DynamoDB::Table", {
      SSESpecification: { SSEEnabled: true, SSEType: "KMS" },
    });
    everything.hasResourceProperties("AWS::S3::Bucket", {
      BucketEncryption: Match.objectLike({}),
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
    existing.hasResourceProperties("AWS::DynamoDB::Table", { SSESpecification: { SSEEnabled: false } });
  });

  test("wake-ups by SQS; bucket and queue refuse what does not come by TLS", () => {
    everything.allResourcesProperties("AWS::SQS::Queue", { SqsManagedSseEnabled: true });
    for (const type of ["AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy"])
      for (const { PolicyDocument } of resourcesOf(everything, type))
        expect(JSON.stringify(PolicyDocument)).toContain(
          '"Condition":{"Bool":{"aws:SecureTransport":"false"}},"Effect":"Deny"',
        );
  });

  test("Kafka with TLS, and a new cluster takes nothing else", () => {
    for (const template of all)
      for (const { Environment } of resourcesOf(template, "AWS::Lambda::Function")) {
        const variables = (Environment as { Variables?: Record<string, unknown> } | undefined)?.Variables;
        if (variables?.MILLRACE_APPLICATION !== undefined) expect(variables.MILLRACE_KAFKA_TLS).toBe("true");
      }
    provisioned.hasResourceProperties("AWS::MSK::Cluster", {
      EncryptionInfo: { EncryptionInTransit: { ClientBroker: "TLS", InCluster: true } },
      ClientAuthentication: { Unauthenticated: { Enabled: false } },
    });
  });
});

test("functions are told where a secret is, not what it says", () => {
  for (const { Environment } of resourcesOf(byPassword, "AWS::Lambda::Function")) {
    const variables = (Environment as { Variables?: Record<string, unknown> } | undefined)?.Variables ?? {};
    expect(Object.keys(variables).filter((name) => /PASSWORD|TOKEN|KEY/.test(name))).toEqual([]);
    if (variables.MILLRACE_APPLICATION !== undefined)
      expect(JSON.stringify(variables.MILLRACE_KAFKA_SECRET)).toContain(":secret:login");
  }
});

describe("ports", () => {
  test.each([everything, provisioned])(
    "a new network leads nowhere, and is open for Kafka and HTTPS between its members alone",
    (template) => {
      template.resourceCountIs("AWS::EC2::InternetGateway", 0);
      template.resourceCountIs("AWS::EC2::NatGateway", 0);
      const ingress = resourcesOf(template, "AWS::EC2::SecurityGroupIngress") as Ingress[];
      expect(new Set(ingress.map(({ FromPort, ToPort }) => `${FromPort}-${ToPort}`))).toEqual(
        new Set(["9094-9098", "443-443"]),
      );
      expect(new Set(ingress.map(({ SourceSecurityGroupId }) => JSON.stringify(SourceSecurityGroupId))).size).toBe(1);
      for (const { SecurityGroupIngress, SecurityGroupEgress = [] } of resourcesOf(
        template,
        "AWS::EC2::SecurityGroup",
      )) {
        expect(SecurityGroupIngress).toBeUndefined();
        for (const { FromPort, IpProtocol } of SecurityGroupEgress as { FromPort?: number; IpProtocol: string }[])
          expect(IpProtocol === "icmp" || FromPort === 443).toBe(true);
      }
    },
  );

  test("without a network of yours, functions stand in none", () => {
    for (const { VpcConfig } of resourcesOf(byPassword, "AWS::Lambda::Function")) expect(VpcConfig).toBeUndefined();
  });
});
