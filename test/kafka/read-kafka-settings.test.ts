/** Kafka's settings from a file, the environment, and the address of MSK: what counts, and a sentence for what does not fit. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KafkaSettings } from "../../lib/kafka/kafka-settings.ts";
import { regionOf, spokenAt } from "../../lib/kafka/msk-address.ts";
import { type KafkaSettingsSources, readKafkaSettings } from "../../lib/kafka/read-kafka-settings.ts";

const CA = rootCertificates[0] as string;
const MSK = "b-1.shop.a1b2c3.c2.kafka.eu-west-1.amazonaws.com";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-settings-"));
  writeFileSync(join(folder, "ca.pem"), CA);
  writeFileSync(join(folder, "empty.pem"), "");
  writeFileSync(join(folder, "token"), "first\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(env: Record<string, string> = {}, more: KafkaSettingsSources = {}): KafkaSettings {
  return readKafkaSettings({ env, folder, ...more });
}

function readFile(settings: unknown, env: Record<string, string> = {}): KafkaSettings {
  writeFileSync(join(folder, "kafka.json"), typeof settings === "string" ? settings : JSON.stringify(settings));
  return read(env, { file: "kafka.json" });
}

describe("the environment", () => {
  test("that says nothing means the server of npm run services", () => {
    expect(read()).toEqual({ brokers: ["127.0.0.1:9092"] });
    expect(read({ KAFKA_BOOTSTRAP_SERVERS: "", MILLRACE_KAFKA_SETTINGS: "", MILLRACE_KAFKA_TLS: "" })).toEqual(read());
  });

  test.each([
    [{ KAFKA_BOOTSTRAP_SERVERS: "a:1, b:2" }, { brokers: ["a:1", "b:2"] }],
    [{ MILLRACE_KAFKA_TLS: "true" }, { tls: true }],
    [{ MILLRACE_KAFKA_CA_FILE: "ca.pem" }, { tls: { ca: CA } }],
    [{ MILLRACE_KAFKA_SERVER_NAME: "kafka.example.com" }, { tls: { servername: "kafka.example.com" } }],
    [{ MILLRACE_KAFKA_TLS: "false", MILLRACE_KAFKA_CA_FILE: "ca.pem" }, { tls: false }],
    [
      { MILLRACE_KAFKA_LOGIN: "scram-sha-256", MILLRACE_KAFKA_USERNAME: "ann", MILLRACE_KAFKA_PASSWORD: "secret" },
      { login: { kind: "scram-sha-256", username: "ann", password: "secret" } },
    ],
    [
      { MILLRACE_KAFKA_LOGIN: "iam", MILLRACE_KAFKA_REGION: "eu-west-1" },
      { login: { kind: "iam", region: "eu-west-1" } },
    ],
    [{ MILLRACE_KAFKA_LOGIN: "none", MILLRACE_KAFKA_USERNAME: "ann" }, {}],
  ])("%j is understood", (env, expected) => {
    expect(read(env as Record<string, string>)).toEqual({ brokers: ["127.0.0.1:9092"], ...expected });
  });

  test.each([
    [
      { KAFKA_BOOTSTRAP_SERVERS: "broker" },
      'A broker of Kafka is named as host:port, several separated by commas; this is not: "broker".',
    ],
    [{ MILLRACE_KAFKA_TLS: "yes" }, 'MILLRACE_KAFKA_TLS is "true" or "false", not "yes".'],
    [
      { MILLRACE_KAFKA_CA_FILE: "nowhere.pem" },
      /^The file with certificates of authorities cannot be read: ENOENT.*nowhere\.pem/,
    ],
    [{ MILLRACE_KAFKA_CA_FILE: "empty.pem" }, /^There is no certificate in \/.*empty\.pem: it begins with/],
    [{ MILLRACE_KAFKA_CERT_FILE: "ca.pem" }, /^There is \/.*ca\.pem without tls\.keyFile or MILLRACE_KAFKA_KEY_FILE/],
    [
      { MILLRACE_KAFKA_LOGIN: "kerberos" },
      /^There is no login to Kafka by "kerberos"; there are: plain, scram-sha-256/,
    ],
    [{ MILLRACE_KAFKA_USERNAME: "ann" }, /^There is a user for Kafka, and no kind of login: set MILLRACE_KAFKA_LOGIN/],
    [
      { MILLRACE_KAFKA_LOGIN: "plain", MILLRACE_KAFKA_USERNAME: "ann" },
      "The login to Kafka by plain needs a password: set MILLRACE_KAFKA_PASSWORD, or login.password in a settings file.",
    ],
    [{ MILLRACE_KAFKA_LOGIN: "token" }, /needs a token: set MILLRACE_KAFKA_TOKEN or MILLRACE_KAFKA_TOKEN_FILE/],
  ])("%j is refused in a sentence", (env, sentence) => {
    const failed = expect(() => read(env as Record<string, string>));
    failed.toThrow(expect.objectContaining({ name: "MillraceError", code: "usage" }));
    failed.toThrow(sentence);
  });
});

describe("a settings file", () => {
  test("says all, and the environment what it leaves out", () => {
    const login = { kind: "scram-sha-512", username: "ann" };
    const settings = readFile(
      { brokers: ["a:1", "b:2"], tls: { caFile: "ca.pem" }, login, clientId: "shop", callTimeoutMs: 5000 },
      { KAFKA_BOOTSTRAP_SERVERS: "c:3", MILLRACE_KAFKA_USERNAME: "bob", MILLRACE_KAFKA_PASSWORD: "secret" },
    );
    expect(settings).toEqual({
      brokers: ["a:1", "b:2"],
      tls: { ca: CA },
      login: { kind: "scram-sha-512", username: "ann", password: "secret" },
      clientId: "shop",
      callTimeoutMs: 5000,
    });
  });

  test("gives way to what a command names", () => {
    writeFileSync(join(folder, "kafka.json"), JSON.stringify({ brokers: "a:1, b:2", login: { kind: "iam" } }));
    const env = { MILLRACE_KAFKA_SETTINGS: "kafka.json" };
    expect(read(env)).toEqual({ brokers: ["a:1", "b:2"], login: { kind: "iam" } });
    expect(read(env, { brokers: "c:3", profile: "prod" })).toEqual({
      brokers: ["c:3"],
      login: { kind: "iam", profile: "prod" },
    });
  });

  test("names files beside it, and a token that is read for each login", async () => {
    const { login } = readFile({ login: { kind: "token", tokenFile: "token" } });
    if (login?.kind !== "token") throw new Error("no token");
    expect(await login.token()).toBe("first");
    writeFileSync(join(folder, "token"), "second\n");
    expect(await login.token()).toBe("second");
  });

  test.each([
    ["{", /kafka\.json is not JSON: /],
    ["[]", /kafka\.json holds no object with Kafka's settings/],
    [{ broker: "a:1" }, /kafka\.json: there is no setting "broker"; there are: brokers, tls, login, /],
    [{ tls: { ca: "ca.pem" } }, /there is no setting "tls\.ca"; .*tls\.caFile/],
    [{ tls: "true" }, /tls is true, false, or an object/],
    [{ login: "iam" }, /login is an object: \{ "kind": … \}/],
    [{ brokers: [1] }, /brokers is a list of texts/],
    [{ login: { kind: "plain", username: 1 } }, /login\.username is a text/],
    [{ callTimeoutMs: "5 s" }, /callTimeoutMs is a whole number/],
  ])("with %j is refused in a sentence", (settings, sentence) => {
    expect(() => readFile(settings)).toThrow(sentence);
  });

  test("that is not there is said to be missing", () => {
    expect(() => read({}, { file: "nowhere.json" })).toThrow(/^The file with Kafka's settings cannot be read: ENOENT/);
  });
});

describe("an address of MSK", () => {
  test.each([
    [`${MSK}:9098`, "eu-west-1", "iam"],
    [`${MSK}:9198`, "eu-west-1", "iam"],
    [`${MSK}:9096`, "eu-west-1", "scram"],
    [`${MSK}:9094`, "eu-west-1", "tls"],
    [`${MSK}:9092`, "eu-west-1", undefined],
    ["boot-x1.c1.kafka-serverless.us-east-2.amazonaws.com:9098", "us-east-2", "iam"],
    ["b-1.shop.a1b2c3.c2.kafka.cn-north-1.amazonaws.com.cn:9098", "cn-north-1", "iam"],
    ["kafka.example.com:9098", undefined, undefined],
    ["kafka.eu-west-1.amazonaws.com.example.com:9098", undefined, undefined],
  ])("%s says its region and what is spoken there", (broker, region, spoken) => {
    expect(regionOf([broker])).toBe(region);
    expect(spokenAt([broker])).toBe(spoken);
  });

  test("is enough for IAM, needs a user and a password for SCRAM, and gives way to what is said", () => {
    expect(read({}, { brokers: `${MSK}:9098` })).toEqual({
      brokers: [`${MSK}:9098`],
      tls: true,
      login: { kind: "iam", region: "eu-west-1" },
    });
    expect(() => read({}, { brokers: `${MSK}:9096` })).toThrow(
      /by scram-sha-512 needs a user: set MILLRACE_KAFKA_USERNAME/,
    );
    const env = { MILLRACE_KAFKA_LOGIN: "none", MILLRACE_KAFKA_TLS: "false" };
    expect(read(env, { brokers: `${MSK}:9098` })).toEqual({ brokers: [`${MSK}:9098`], tls: false });
  });
});
