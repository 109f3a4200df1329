/** TLS, certificates, logins and IAM against a real Kafka that asks for them, and a sentence for everything that does not fit. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { main } from "../../lib/cli/main.ts";
import type { Broker } from "../../lib/kafka/broker.ts";
import type { IamLogin, KafkaLogin, KafkaSettings, KafkaTls } from "../../lib/kafka/kafka-settings.ts";
import { openKafkaBroker } from "../../lib/kafka/open-kafka-broker.ts";
import { readKafkaSettings } from "../../lib/kafka/read-kafka-settings.ts";
import { EventSourceMapping } from "../../lib/local/event-source-mapping.ts";
import { LOGIN_PASSWORD, LOGIN_USER } from "../../tools/services/kafka.ts";
import { TestTerminal } from "../cli/test-terminal.ts";
import { batch, newTopic, valuesOf } from "./kafka-world.ts";
import { ELSEWHERE, PASSPHRASE, type SecureKafka, startSecureKafka } from "./secure-kafka.ts";

/** Longer than a refusal takes, which Kafka holds back for a moment; shorter than a call that tries again until its deadline. */
const REFUSED_MS = 2_000;
const CALL_TIMEOUT_MS = 3_000;

let kafka: SecureKafka;
beforeAll(async () => {
  kafka = await startSecureKafka();
});
afterAll(() => kafka?.stop());

const at = (listener: string) => kafka.server.addresses[listener] as string;
const ca = () => kafka.read("ca.pem");
const certificate = (name: string): KafkaTls => ({
  ca: ca(),
  cert: kafka.read(`${name}.pem`),
  key: kafka.read(`${name}.key`),
});
const password = (kind: "plain" | "scram-sha-256" | "scram-sha-512", text = LOGIN_PASSWORD): KafkaLogin => ({
  kind,
  username: LOGIN_USER,
  password: text,
});

/** The identities that the validator of the server knows. */
const iam = (accessKeyId: string, secretAccessKey: string, sessionToken?: string): IamLogin => ({
  kind: "iam",
  region: "eu-west-1",
  credentials: async () => ({ accessKeyId, secretAccessKey, sessionToken }),
});
const EXAMPLE_SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const example = () => iam("AKIDEXAMPLE", EXAMPLE_SECRET);

async function using<T>(listener: string, settings: Partial<KafkaSettings>, work: (broker: Broker) => Promise<T>) {
  const broker = await openKafkaBroker({ brokers: [at(listener)], ...settings });
  try {
    return await work(broker);
  } finally {
    await broker.close();
  }
}

/** Everything that an application does with a broker. */
async function useAll(broker: Broker): Promise<void> {
  const topic = await newTopic(broker);
  await broker.produce([batch(topic, 0, "a", "b")]);
  const once = { transactionalId: `task-${topic}`, sequenceNumber: 1 };
  await broker.produceExactlyOnce([batch(topic, 0, "c")], once);
  await broker.produceExactlyOnce([batch(topic, 0, "c")], once);
  expect(await valuesOf(broker, topic)).toEqual(["a", "b", "c"]);
  await broker.commitOffset("a-group", topic, 0, 2);
  expect(await broker.committedOffset("a-group", topic, 0)).toBe(2);
}

describe("all works", () => {
  const ways: [name: string, listener: string, () => Partial<KafkaSettings>][] = [
    ["TLS with an authority of one's own", "tls", () => ({ tls: { ca: ca() } })],
    ["a client certificate", "mtls", () => ({ tls: certificate("client") })],
    [
      "a client certificate whose key is encrypted",
      "mtls",
      () => ({ tls: { ...certificate("client"), key: kafka.read("client-locked.key"), passphrase: PASSPHRASE } }),
    ],
    ["another name than the address", "elsewhere", () => ({ tls: { ca: ca(), servername: ELSEWHERE } })],
    ["PLAIN over TLS", "secret", () => ({ tls: { ca: ca() }, login: password("plain") })],
    ["SCRAM-SHA-256 over TLS", "secret", () => ({ tls: { ca: ca() }, login: password("scram-sha-256") })],
    ["SCRAM-SHA-512 over TLS", "secret", () => ({ tls: { ca: ca() }, login: password("scram-sha-512") })],
    ["IAM", "iam", () => ({ tls: { ca: ca() }, login: example() })],
    [
      "IAM with a session's credentials",
      "iam",
      () => ({
        tls: { ca: ca() },
        login: iam("ASIAEXAMPLE", "temporary/+secret=", "a session's+token/of==many signs"),
      }),
    ],
  ];
  test.each(ways)("with %s", async (_, listener, settings) => {
    await using(listener, settings(), useAll);
  });

  test("for an event source mapping", async () => {
    const settings = { tls: { ca: ca() }, login: password("scram-sha-512") };
    await using("secret", settings, async (broker) => {
      const topic = await newTopic(broker);
      await broker.produce([batch(topic, 0, "a", "b")]);
      const seen: string[] = [];
      const mapping = new EventSourceMapping({
        broker,
        topic,
        consumerGroup: `group-${topic}`,
        batchWindowMs: 0,
        function: {
          name: topic,
          handler: async (event) => {
            const { records } = event as { records: Record<string, { value: string }[]> };
            for (const { value } of Object.values(records).flat()) seen.push(Buffer.from(value, "base64").toString());
            return null;
          },
        },
      });
      const stopping = new AbortController();
      const running = mapping.run(stopping.signal);
      await expect.poll(() => seen).toEqual(["a", "b"]);
      stopping.abort();
      await running;
    });
  });
});

describe("is refused at once, in a sentence:", () => {
  const cases: [what: string, listener: string, () => Partial<KafkaSettings>, sentence: RegExp][] = [
    ["no authority", "tls", () => ({ tls: true }), /no authority known to Node has signed.*MILLRACE_KAFKA_CA_FILE/],
    [
      "another authority",
      "tls",
      () => ({ tls: { ca: kafka.read("other-ca.pem") } }),
      /shows a certificate that no authority in tls\.ca/,
    ],
    [
      "another host",
      "elsewhere",
      () => ({ tls: { ca: ca() } }),
      /not for 127\.0\.0\.1, but for DNS:kafka\.example\.com: .*tls\.servername/,
    ],
    ["a server's certificate that has expired", "expired", () => ({ tls: { ca: ca() } }), /has expired: .*clock/],
    ["no TLS where it is spoken", "tls", () => ({}), /speaks TLS on this port.*MILLRACE_KAFKA_TLS=true/],
    [
      "a login without TLS where it is spoken",
      "secret",
      () => ({ login: password("plain") }),
      /speaks TLS on this port/,
    ],
    ["no certificate where one is asked for", "mtls", () => ({ tls: { ca: ca() } }), /asks for a client certificate/],
    [
      "a stranger's certificate",
      "mtls",
      () => ({ tls: certificate("stranger") }),
      /refuses the client certificate \(CN=stranger; issued by CN=Millrace test other-ca; valid until/,
    ],
    [
      "a client certificate that has expired",
      "mtls",
      () => ({ tls: certificate("expired") }),
      /\(CN=expired\) expired on/,
    ],
    [
      "a certificate without its key",
      "mtls",
      () => ({ tls: { ca: ca(), cert: kafka.read("client.pem") } }),
      /There is tls\.cert without tls\.key/,
    ],
    [
      "another certificate's key",
      "mtls",
      () => ({ tls: { ...certificate("client"), key: kafka.read("stranger.key") } }),
      /The key in tls\.key is not that of the certificate in tls\.cert \(CN=client\)/,
    ],
    [
      "an encrypted key without its passphrase",
      "mtls",
      () => ({ tls: { ...certificate("client"), key: kafka.read("client-locked.key") } }),
      /tls\.key is encrypted: say with what, in tls\.passphrase/,
    ],
    [
      "another passphrase",
      "mtls",
      () => ({ tls: { ...certificate("client"), key: kafka.read("client-locked.key"), passphrase: "no" } }),
      /encrypted with something else than tls\.passphrase/,
    ],
    ["what is no certificate", "tls", () => ({ tls: { ca: "no" } }), /There is no certificate in tls\.ca/],
    [
      "what is no key",
      "mtls",
      () => ({ tls: { ...certificate("client"), key: "no" } }),
      /There is no private key in tls\.key/,
    ],
    [
      "a wrong password by SCRAM",
      "secret",
      () => ({ tls: { ca: ca() }, login: password("scram-sha-512", "wrong") }),
      /refuses the login of user "user" by SCRAM-SHA-512 \("Authentication failed.*check the user, the password/,
    ],
    [
      "a wrong password by PLAIN",
      "secret",
      () => ({ tls: { ca: ca() }, login: password("plain", "wrong") }),
      /refuses the login of user "user" by PLAIN/,
    ],
    [
      "a login of a kind that is not known there",
      "iam",
      () => ({ tls: { ca: ca() }, login: password("plain") }),
      /does not know PLAIN on this port/,
    ],
    [
      "a login where none is asked for",
      "tls",
      () => ({ tls: { ca: ca() }, login: password("plain") }),
      /asks for no login on this port/,
    ],
    [
      "a token that means nothing",
      "iam",
      () => ({ tls: { ca: ca() }, login: { kind: "token", token: async () => "abc" } }),
      /refuses the login \(".*invalid_token.*check the token/,
    ],
    [
      "no token",
      "iam",
      () => ({ tls: { ca: ca() }, login: { kind: "token", token: () => Promise.reject(new Error("I have none")) } }),
      /There is no token for the login to Kafka: I have none/,
    ],
    [
      "a secret that is another's",
      "iam",
      () => ({ tls: { ca: ca() }, login: iam("AKIDEXAMPLE", "wrong") }),
      /refuses the login by IAM with access key AKIDEXAMPLE in eu-west-1 \(".*invalid_token/,
    ],
    [
      "an identity that may not connect",
      "iam",
      () => ({ tls: { ca: ca() }, login: iam("AKIADENIED", "denied") }),
      /refuses the login by IAM.*: Access denied"\): .*kafka-cluster:Connect/,
    ],
    [
      "credentials that have expired",
      "iam",
      () => ({
        tls: { ca: ca() },
        login: {
          ...example(),
          credentials: async () => ({ accessKeyId: "a", secretAccessKey: "b", expiration: new Date(0) }),
        },
      }),
      /AWS credentials for the login by IAM have expired/,
    ],
    [
      "a profile that does not exist",
      "iam",
      () => ({ tls: { ca: ca() }, login: { kind: "iam", region: "eu-west-1", profile: "nobody's" } }),
      /There are no AWS credentials for Kafka's login by IAM \(Could not load credentials/,
    ],
  ];
  test.each(cases)("%s", async (_, listener, settings, sentence) => {
    const startedMs = Date.now();
    await using(listener, { callTimeoutMs: CALL_TIMEOUT_MS, ...settings() }, async (broker) => {
      await expect(broker.topics()).rejects.toMatchObject({
        name: "MillraceError",
        code: "kafka",
        message: expect.stringMatching(sentence),
      });
    });
    expect(Date.now() - startedMs).toBeLessThan(REFUSED_MS);
  });
});

describe("where a broker only hangs up, as one that restarts does, it is tried again, and then said what it may be:", () => {
  test.each<[what: string, listener: string, () => Partial<KafkaSettings>, sentence: RegExp]>([
    [
      "TLS where none is spoken",
      "plaintext",
      () => ({ tls: true }),
      /cannot be reached with TLS.*may not speak TLS\.$/,
    ],
    ["no login", "secret", () => ({ tls: { ca: ca() } }), /that port may ask for a login\.$/],
  ])("%s", async (_, listener, settings, sentence) => {
    await using(listener, { callTimeoutMs: CALL_TIMEOUT_MS, ...settings() }, async (broker) => {
      await expect(broker.topics()).rejects.toThrow(sentence);
    });
  });
});

describe("a login by IAM", () => {
  test("is made again on the same connection before its session ends, and on another one after it was refused", async () => {
    let asked = 0;
    let secretAccessKey = EXAMPLE_SECRET;
    const login: IamLogin = {
      ...example(),
      credentials: async () => {
        asked += 1;
        return { accessKeyId: "AKIDEXAMPLE", secretAccessKey };
      },
    };
    await using("iam", { tls: { ca: ca() }, login }, async (broker) => {
      await broker.topics();
      await broker.topics();
      expect(asked).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      await broker.topics();
      expect(asked).toBe(2);
      secretAccessKey = "revoked";
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      await expect(broker.topics()).rejects.toThrow(/refuses the login by IAM/);
      secretAccessKey = EXAMPLE_SECRET;
      await broker.topics();
      expect(asked).toBe(4);
    });
  });

  test("waits where there are too many of them", async () => {
    await using("iam", { tls: { ca: ca() }, login: iam("AKIABUSY", "busy") }, useAll);
  });
});

describe("the command line", () => {
  test("takes a settings file, and the password from the environment", async () => {
    const handler = "export const handler = async () => {};";
    writeFileSync(join(kafka.folder, "my-handler.mjs"), handler);
    const login = { kind: "scram-sha-512", username: LOGIN_USER };
    const settings = { brokers: [at("secret")], tls: { caFile: "ca.pem" }, login };
    writeFileSync(join(kafka.folder, "kafka.json"), JSON.stringify(settings));
    const topic = await using("plaintext", {}, (broker) => newTopic(broker));
    const esm = () => {
      const terminal = new TestTerminal(kafka.folder);
      const args = ["esm", "--topic", topic, "--handler", "my-handler.mjs", "--kafka-settings", "kafka.json"];
      return { terminal, ended: main(args, terminal) };
    };
    const without = esm();
    expect(await without.ended).toBe(2);
    expect(without.terminal.errors).toBe(
      "The login to Kafka by scram-sha-512 needs a password: set MILLRACE_KAFKA_PASSWORD, or login.password in a settings file.\n",
    );
    process.env.MILLRACE_KAFKA_PASSWORD = LOGIN_PASSWORD;
    try {
      const { terminal, ended } = esm();
      await terminal.shows(`Reading ${topic}`);
      terminal.interrupt();
      expect(await ended).toBe(0);
    } finally {
      delete process.env.MILLRACE_KAFKA_PASSWORD;
    }
  });

  test("names the files that do not fit", async () => {
    const env = {
      KAFKA_BOOTSTRAP_SERVERS: at("mtls"),
      MILLRACE_KAFKA_CA_FILE: "ca.pem",
      MILLRACE_KAFKA_CERT_FILE: "client.pem",
      MILLRACE_KAFKA_KEY_FILE: "client-locked.key",
    };
    const read = (more = {}) => readKafkaSettings({ env: { ...env, ...more }, folder: kafka.folder });
    expect(() => read()).toThrow(
      `The key in ${join(kafka.folder, "client-locked.key")} is encrypted: say with what, in tls.passphrase or MILLRACE_KAFKA_KEY_PASSPHRASE.`,
    );
    const settings = read({ MILLRACE_KAFKA_KEY_PASSPHRASE: PASSPHRASE });
    await using("mtls", settings, useAll);
  });
});
