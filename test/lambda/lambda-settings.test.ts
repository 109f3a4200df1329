/** What a deployed function is told: by its environment, and by secrets. */

import fc from "fast-check";
import { operator, stream, text, topic } from "millrace";
import { afterEach, describe, expect, test, vi } from "vitest";
import { readKafkaSettingsOnLambda } from "../../lib/lambda/kafka-secrets.ts";
import { fromEnvironment, type LambdaSettings, toEnvironment } from "../../lib/lambda/lambda-settings.ts";

test("settings survive the environment", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9.-]{0,20}$/);
  const settings = fc.record(
    {
      application: name,
      table: name,
      writtenElsewhere: fc.array(name),
      snapshots: name,
      wakeUpQueue: name,
      topicPrefix: name,
      kafkaSecret: name,
      kafkaAuthoritySecret: name,
    },
    { requiredKeys: ["application", "table", "writtenElsewhere"] },
  );
  fc.assert(
    fc.property(settings, (given) => {
      expect(fromEnvironment(toEnvironment(given as LambdaSettings))).toEqual(given);
    }),
  );
});

test.each([
  [{}, "does not know its application: set MILLRACE_APPLICATION"],
  [{ MILLRACE_APPLICATION: "shop" }, "does not know its table: set MILLRACE_TABLE"],
])("an environment without the necessary is refused with a sentence", (env, sentence) => {
  expect(() => fromEnvironment(env)).toThrow(sentence);
});

describe("Kafka's secrets", () => {
  const secrets: Record<string, string> = {
    login: JSON.stringify({ username: "shop", password: "sesame" }),
    broken: "username=shop",
  };
  const read = async (id: string) => secrets[id] as string;

  test("give the login its user and password", async () => {
    const env = {
      KAFKA_BOOTSTRAP_SERVERS: "b:9096",
      MILLRACE_KAFKA_LOGIN: "scram-sha-512",
      MILLRACE_KAFKA_TLS: "true",
    };
    expect(await readKafkaSettingsOnLambda({ kafkaSecret: "login" }, env, read)).toMatchObject({
      brokers: ["b:9096"],
      tls: true,
      login: { kind: "scram-sha-512", username: "shop", password: "sesame" },
    });
  });

  test("that are none are refused without being shown", async () => {
    const reading = readKafkaSettingsOnLambda({ kafkaSecret: "broken" }, { KAFKA_BOOTSTRAP_SERVERS: "b:9096" }, read);
    await expect(reading).rejects.toThrow("Secret broken is not JSON with a username and a password");
    await expect(reading).rejects.not.toThrow("username=shop");
  });
});

describe("an operator that finds itself on Lambda", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("opens what its environment names, and says what it does not name", async () => {
    vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", "shop-copy");
    const [from, to] = [topic("from", { value: text() }), topic("to", { value: text() })];
    const copy = operator("copy", stream(from).to(to));
    const context = { awsRequestId: "r", functionName: "shop-copy", getRemainingTimeInMillis: () => 1_000 };
    await expect(copy({ records: {} }, context)).rejects.toThrow("does not know its application");
    vi.stubEnv("MILLRACE_APPLICATION", "shop");
    vi.stubEnv("MILLRACE_TABLE", "shop");
    vi.stubEnv("AWS_REGION", "eu-west-1");
    expect(await copy({ records: {} }, context)).toEqual({ batchItemFailures: [] });
  });
});
