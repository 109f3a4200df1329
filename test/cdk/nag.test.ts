/** cdk-nag's rules on whole applications: no finding, but what is acknowledged with a reason. */

import { type App, Validations } from "aws-cdk-lib";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { AwsSolutionsChecks, ServerlessChecks } from "cdk-nag";
import { Kafka } from "millrace/cdk";
import { expect, test, vi } from "vitest";
import { existingMsk, newApp, newStack, shop } from "./synthesize.ts";

/** What the rules find on an app: it refuses to be synthesized, and lists them. */
function findingsOf(app: App, checks: AwsSolutionsChecks | ServerlessChecks): string[] {
  Validations.of(app).addPlugins(checks);
  const shown = vi.spyOn(console, "error").mockImplementation(() => {});
  try {
    app.synth();
  } catch (error) {
    return [String(error), ...shown.mock.calls.flat().map(String)].join("\n").split("\n\n");
  } finally {
    shown.mockRestore();
  }
  return [];
}

const clusters = {
  "a new provisioned cluster": () => Kafka.mskProvisioned(),
  "a new serverless cluster": () => Kafka.mskServerless(),
  "a cluster that is there": existingMsk,
  "self-managed Kafka": (stack: ReturnType<typeof newStack>) =>
    Kafka.selfManaged({
      bootstrapServers: ["b-1.example.com:9094"],
      login: { kind: "scram-sha-512", secret: Secret.fromSecretNameV2(stack, "Login", "login") },
    }),
};

test.each(Object.entries(clusters))("AwsSolutions finds nothing on %s", (_, kafkaIn) => {
  const app = newApp();
  const stack = newStack("Nag", app);
  shop(stack, { kafka: kafkaIn(stack), state: { snapshotBucket: true }, tracing: true });
  expect(findingsOf(app, new AwsSolutionsChecks(app))).toEqual([]);
});

test("nor do the rules for serverless applications", () => {
  const app = newApp();
  shop(newStack("Nag", app), { kafka: Kafka.mskServerless() });
  expect(findingsOf(app, new ServerlessChecks(app))).toEqual([]);
});
