/** A Kafka that speaks TLS, asks for certificates, logins and tokens, each on a port of its own; its certificates and their authority are made for it. */

import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  type KafkaListener,
  type KafkaServer,
  kafkaJars,
  PASSWORD_LOGIN,
  startKafka,
} from "../../tools/services/kafka.ts";

/** A name that no machine has. */
export const ELSEWHERE = "kafka.example.com";
export const PASSPHRASE = "a phrase";
/** kafkajs logs in again 10 s before a session ends: here, 2 s after it began. */
const SESSION_MS = 12_000;

const execute = promisify(execFile);

export type SecureKafka = {
  readonly server: KafkaServer;
  /** The folder of the files: ca.pem, other-ca.pem; client.pem, client.key, client-locked.key; expired.pem, stranger.pem with their keys. */
  readonly folder: string;
  read(file: string): string;
  stop(): Promise<void>;
};

/**
 * Listeners beside those of every Kafka here: `tls`; `mtls`, which asks for a certificate; `secret`, TLS with a user and a password; `iam`, TLS with
 * tokens as MSK takes them; `expired` and `elsewhere`, whose certificates are that.
 */
export async function startSecureKafka(): Promise<SecureKafka> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-secure-"));
  try {
    await makeCertificates(folder);
    const validator = fileURLToPath(new URL("../../tools/services/kafka/IamValidator.java", import.meta.url));
    await execute("javac", ["-d", folder, "-cp", join(await kafkaJars(), "*"), validator]);
    const server = await startKafka({
      classes: folder,
      listeners: {
        tls: listener(folder, "server"),
        mtls: listener(folder, "server", { "ssl.client.auth": "required" }),
        secret: { ...listener(folder, "server", PASSWORD_LOGIN), protocol: "SASL_SSL" },
        iam: {
          ...listener(folder, "server", {
            "sasl.enabled.mechanisms": "OAUTHBEARER",
            "oauthbearer.sasl.jaas.config":
              "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;",
            "oauthbearer.sasl.server.callback.handler.class": "IamValidator",
            "oauthbearer.connections.max.reauth.ms": String(SESSION_MS),
          }),
          protocol: "SASL_SSL",
        },
        expired: listener(folder, "expired"),
        elsewhere: listener(folder, "elsewhere"),
      },
    });
    return {
      server,
      folder,
      read: (file) => readFileSync(join(folder, file), "utf8"),
      async stop() {
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function listener(folder: string, name: string, more: Readonly<Record<string, string>> = {}): KafkaListener {
  const properties = {
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": join(folder, `${name}-store.pem`),
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": join(folder, "ca.pem"),
  };
  return { protocol: "SSL", properties: { ...properties, ...more } };
}

async function makeCertificates(folder: string): Promise<void> {
  await Promise.all(
    ["ca", "other-ca"].map((name) => {
      const subject = ["-subj", `/CN=Millrace test ${name}`, "-days", "2"];
      return openssl(folder, ["req", "-x509", ...newKey(name), ...subject, "-out", `${name}.pem`]);
    }),
  );
  const here = "DNS:localhost,IP:127.0.0.1";
  await Promise.all([
    issue(folder, "server", { names: here }),
    issue(folder, "elsewhere", { names: `DNS:${ELSEWHERE}` }),
    issue(folder, "expired", { names: here, days: -1 }),
    issue(folder, "client", { names: "DNS:client" }),
    issue(folder, "stranger", { names: "DNS:stranger", by: "other-ca" }),
  ]);
  const locking = ["-aes256", "-passout", `pass:${PASSPHRASE}`];
  await openssl(folder, ["pkey", "-in", "client.key", ...locking, "-out", "client-locked.key"]);
}

/** A certificate with its key, and both in one file, as Kafka wants them. */
async function issue(folder: string, name: string, how: { names: string; days?: number; by?: string }): Promise<void> {
  const { names, days = 2, by = "ca" } = how;
  writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${names}`);
  await openssl(folder, ["req", "-new", ...newKey(name), "-subj", `/CN=${name}`, "-out", `${name}.csr`]);
  const signing = ["-CA", `${by}.pem`, "-CAkey", `${by}.key`, "-days", `${days}`, "-extfile", `${name}.ext`];
  const serial = ["-set_serial", `0x${randomBytes(8).toString("hex")}`];
  await openssl(folder, ["x509", "-req", "-in", `${name}.csr`, ...signing, ...serial, "-out", `${name}.pem`]);
  const both = ["key", "pem"].map((kind) => readFileSync(join(folder, `${name}.${kind}`), "utf8")).join("");
  writeFileSync(join(folder, `${name}-store.pem`), both);
}

function newKey(name: string): string[] {
  return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${name}.key`];
}

async function openssl(folder: string, args: readonly string[]): Promise<void> {
  await execute("openssl", args, { cwd: folder });
}
