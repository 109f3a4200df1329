/** What is made of failures that no server here can be made to show: other servers, other versions of Node, and a broker that hangs up. */

import { describe, expect, test } from "vitest";
import { explainFailure, type FailedConnection, UnusableConnectionError } from "../../lib/kafka/connection-failure.ts";
import { KafkaCodeError } from "../../lib/kafka/kafka-code-error.ts";
import { reactionTo, toMillraceError } from "../../lib/kafka/kafka-failure.ts";
import type { KafkaSettings } from "../../lib/kafka/kafka-settings.ts";
import { TokenRefusedError } from "../../lib/kafka/login.ts";

const IAM: KafkaSettings = { brokers: ["broker:9098"], login: { kind: "iam", region: "eu-west-1" } };

function explain(error: Error, more: Partial<FailedConnection> = {}): unknown {
  const settings: KafkaSettings = { brokers: ["broker:9093"], tls: true };
  return explainFailure(error, {
    ...{ address: "broker:9093", settings, socketError: undefined, answeredInTls: false, hasServed: false },
    ...more,
  });
}

function withCode(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}

describe("no other attempt is made at", () => {
  test.each([
    ["ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE", /asks for a client certificate/],
    ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", /asks for a client certificate/],
    ["ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE", /no version or cipher of TLS in common/],
    ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", /no version or cipher of TLS in common/],
    ["ERR_SSL_WRONG_VERSION_NUMBER", /does not speak TLS on this port/],
    ["SELF_SIGNED_CERT_IN_CHAIN", /no authority known to Node has signed/],
    ["CERT_NOT_YET_VALID", /is not valid yet/],
  ])("%s, which is said in a sentence", (code, sentence) => {
    const error = explain(new Error("what kafkajs made of it"), { socketError: withCode(code) });
    expect(error).toMatchObject({ name: "MillraceError", code: "kafka", message: expect.stringMatching(sentence) });
    expect(reactionTo(error)).toBe("give-up");
  });
});

describe("another attempt is made", () => {
  test("a moment later where there are too many", () => {
    const error = explain(new TokenRefusedError("[id]: Too many connects", undefined), { settings: IAM });
    expect(reactionTo(error)).toBe("wait");
    expect(toMillraceError(error, "list its topics", IAM).message).toMatch(/it is being connected to too often\.$/);
  });

  test.each([
    ["at once closed", "KafkaJSConnectionClosedError", undefined, { tls: true }, /may ask for a login\.$/],
    ["reset", "Error", "ECONNRESET", {}, /may ask for a login\.$/],
    [
      "closed during a login without TLS",
      "KafkaJSConnectionClosedError",
      undefined,
      { login: { kind: "token", token: async () => "" } },
      /may speak TLS\.$/,
    ],
  ] as const)("over new connections where one is %s", (_, name, code, settings, advice) => {
    const all: KafkaSettings = { brokers: ["broker:9093"], ...settings };
    const ended = Object.assign(new Error("Closed connection"), { name, code });
    const error = explain(ended, { settings: all });
    expect(error).toBeInstanceOf(UnusableConnectionError);
    expect(reactionTo(error)).toBe("reconnect");
    expect(toMillraceError(error, "list its topics", all).message).toMatch(advice);
    // Who has answered before speaks as it should: it restarts, or moves.
    expect(explain(ended, { settings: all, hasServed: true })).toBe(ended);
  });
});

test("an answer of Kafka is no failure of the connection, and IAM's refusals point to the policy", () => {
  const refused = new KafkaCodeError(29, "Produce", { topic: "orders", partition: 0 });
  expect(explain(refused, { settings: IAM })).toBe(refused);
  expect(toMillraceError(refused, 'write to topic "orders"', IAM).message).toBe(
    'Kafka at broker:9098 did not write to topic "orders": it answered TOPIC_AUTHORIZATION_FAILED for topic "orders", partition 0; allow it in the identity\'s policy (kafka-cluster:…).',
  );
});
