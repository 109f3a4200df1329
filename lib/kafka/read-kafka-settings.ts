/**
 * Kafka's settings from where people keep them: a file in JSON, and the environment for what the file leaves out, secrets above all. An address of
 * Amazon MSK says by its port what nobody else says.
 */

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { MillraceError } from "../stream/error.ts";
import { listOf, quote } from "../stream/sentence.ts";
import type { KafkaLogin, KafkaSettings, KafkaTls } from "./kafka-settings.ts";
import { regionOf, spokenAt } from "./msk-address.ts";
import { checkTls } from "./tls-options.ts";

export type KafkaSettingsSources = {
  /** A file in JSON, as docs/kafka.md shows it. Default: the one that MILLRACE_KAFKA_SETTINGS names, if it does. */
  readonly file?: string | undefined;
  /** host:port of some brokers, separated by commas, instead of what the file and KAFKA_BOOTSTRAP_SERVERS say. */
  readonly brokers?: string | undefined;
  /** A profile of the AWS configuration, for the login by IAM. */
  readonly profile?: string | undefined;
  /** Default: the process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What relative paths are relative to, but for those in the file. Default: the current folder. */
  readonly folder?: string | undefined;
};

/** What `npm run services` starts. */
const BROKERS_DEFAULT = "127.0.0.1:9092";

const PASSWORD_KINDS = ["plain", "scram-sha-256", "scram-sha-512"] as const;
const KINDS = [...PASSWORD_KINDS, "token", "iam", "none"] as const;
type Kind = (typeof KINDS)[number];

/** One value each, whoever says it: names in the file, and in the environment. */
const TEXTS = {
  caFile: ["tls.caFile", "MILLRACE_KAFKA_CA_FILE"],
  certFile: ["tls.certFile", "MILLRACE_KAFKA_CERT_FILE"],
  keyFile: ["tls.keyFile", "MILLRACE_KAFKA_KEY_FILE"],
  passphrase: ["tls.passphrase", "MILLRACE_KAFKA_KEY_PASSPHRASE"],
  servername: ["tls.servername", "MILLRACE_KAFKA_SERVER_NAME"],
  kind: ["login.kind", "MILLRACE_KAFKA_LOGIN"],
  username: ["login.username", "MILLRACE_KAFKA_USERNAME"],
  password: ["login.password", "MILLRACE_KAFKA_PASSWORD"],
  token: ["login.token", "MILLRACE_KAFKA_TOKEN"],
  tokenFile: ["login.tokenFile", "MILLRACE_KAFKA_TOKEN_FILE"],
  region: ["login.region", "MILLRACE_KAFKA_REGION"],
  profile: ["login.profile", undefined],
  clientId: ["clientId", undefined],
} as const;
const NUMBERS = ["callTimeoutMs", "recordBytesMax", "replicationFactor"] as const;
const IN_FILE: readonly string[] = [
  "brokers",
  "tls",
  "login",
  ...NUMBERS,
  ...Object.values(TEXTS).map(([name]) => name),
];

type Said = Partial<Record<keyof typeof TEXTS, string>> & { readonly brokers?: string[]; readonly tls?: boolean } & {
  readonly numbers?: Pick<KafkaSettings, (typeof NUMBERS)[number]>;
};

/**
 * Reads the settings. What is named here counts first, then the file, then the environment. Throws "usage" with a sentence for what cannot be read,
 * is not known, does not fit together, or is missing.
 */
export function readKafkaSettings(sources: KafkaSettingsSources = {}): KafkaSettings {
  const { env = process.env, folder = process.cwd() } = sources;
  const file = sources.file ?? nonEmpty(env.MILLRACE_KAFKA_SETTINGS);
  const inFile = file === undefined ? {} : sayingsOfFile(resolve(folder, file));
  const { profile } = sources;
  const said: Said = { ...sayingsOfEnvironment(env, folder), ...inFile, ...(profile !== undefined && { profile }) };
  const named = sources.brokers ?? inFile.brokers?.join() ?? nonEmpty(env.KAFKA_BOOTSTRAP_SERVERS) ?? BROKERS_DEFAULT;
  const brokers = named.split(",").map((broker) => broker.trim());
  for (const broker of brokers)
    if (!/^.+:\d+$/.test(broker))
      throw usage(
        `A broker of Kafka is named as host:port, several separated by commas; this is not: ${quote(broker)}.`,
      );
  const tls = tlsOf(said, brokers);
  const login = loginOf(said, brokers);
  return {
    brokers,
    ...(tls !== undefined && { tls }),
    ...(login !== undefined && { login }),
    ...(said.clientId !== undefined && { clientId: said.clientId }),
    ...said.numbers,
  };
}

function sayingsOfEnvironment(env: Readonly<Record<string, string | undefined>>, folder: string): Said {
  const texts = Object.entries(TEXTS).flatMap(([key, [, name]]) => {
    const text = name === undefined ? undefined : nonEmpty(env[name]);
    return text === undefined ? [] : [[key, key.endsWith("File") ? resolve(folder, text) : text] as const];
  });
  const tls = nonEmpty(env.MILLRACE_KAFKA_TLS);
  if (tls !== undefined && tls !== "true" && tls !== "false")
    throw usage(`MILLRACE_KAFKA_TLS is "true" or "false", not ${quote(tls)}.`);
  return { ...Object.fromEntries(texts), ...(tls !== undefined && { tls: tls === "true" }) };
}

function sayingsOfFile(file: string): Said {
  const json = readJson(file);
  const refuse = (sentence: string) => usage(`${file}: ${sentence}`);
  const flat = new Map<string, unknown>();
  for (const [name, value] of Object.entries(json)) {
    if ((name === "tls" || name === "login") && typeof value === "object" && value !== null)
      for (const [inner, innerValue] of Object.entries(value)) flat.set(`${name}.${inner}`, innerValue);
    else flat.set(name, value);
  }
  for (const name of flat.keys())
    if (!IN_FILE.includes(name)) throw refuse(`there is no setting ${quote(name)}; there are: ${listOf(IN_FILE)}.`);

  const texts = Object.entries(TEXTS).flatMap(([key, [name]]) => {
    const value = flat.get(name);
    if (value === undefined) return [];
    if (typeof value !== "string" || value === "") throw refuse(`${name} is a text.`);
    return [[key, key.endsWith("File") ? resolve(dirname(file), value) : value] as const];
  });
  const numbers = NUMBERS.flatMap((name) => {
    const value = flat.get(name);
    if (value === undefined) return [];
    if (!Number.isSafeInteger(value)) throw refuse(`${name} is a whole number.`);
    return [[name, value] as const];
  });
  const brokers = typeof json.brokers === "string" ? [json.brokers] : json.brokers;
  if (brokers !== undefined && !(Array.isArray(brokers) && brokers.every((one) => typeof one === "string")))
    throw refuse('brokers is a list of texts: ["host:port", …].');
  const isTls = json.tls;
  if (isTls !== undefined && typeof isTls !== "boolean" && (typeof isTls !== "object" || isTls === null))
    throw refuse("tls is true, false, or an object.");
  if (json.login !== undefined && (typeof json.login !== "object" || json.login === null))
    throw refuse('login is an object: { "kind": … }.');
  return {
    ...Object.fromEntries(texts),
    ...(isTls !== undefined && { tls: isTls !== false }),
    ...(brokers !== undefined && { brokers }),
    numbers: Object.fromEntries(numbers),
  };
}

function readJson(file: string): Readonly<Record<string, unknown>> {
  const text = readText(file, "Kafka's settings");
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw usage(`${file} is not JSON: ${(cause as Error).message}`, cause);
  }
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  throw usage(`${file} holds no object with Kafka's settings: { "brokers": ["host:port"], … }.`);
}

function tlsOf(said: Said, brokers: readonly string[]): boolean | KafkaTls | undefined {
  const { caFile, certFile, keyFile, passphrase, servername } = said;
  const isNamed = [caFile, certFile, keyFile, servername].some((part) => part !== undefined);
  if (said.tls === false || !isNamed) return said.tls ?? (spokenAt(brokers) === undefined ? undefined : true);
  const tls: KafkaTls = {
    ...(caFile !== undefined && { ca: readText(caFile, "certificates of authorities") }),
    ...(certFile !== undefined && { cert: readText(certFile, "the client certificate") }),
    ...(keyFile !== undefined && { key: readText(keyFile, "the key of the client certificate") }),
    ...(passphrase !== undefined && { passphrase }),
    ...(servername !== undefined && { servername }),
  };
  const nameOf = (key: "caFile" | "certFile" | "keyFile" | "passphrase") => said[key] ?? TEXTS[key].join(" or ");
  try {
    // The passphrase has a name only: it is not to be shown.
    const passphraseName = TEXTS.passphrase.join(" or ");
    const names = {
      ca: nameOf("caFile"),
      cert: nameOf("certFile"),
      key: nameOf("keyFile"),
      passphrase: passphraseName,
    };
    checkTls(tls, names);
  } catch (error) {
    throw usage((error as Error).message, error);
  }
  return tls;
}

function loginOf(said: Said, brokers: readonly string[]): KafkaLogin | undefined {
  const kind = kindOf(said, brokers);
  const need = (key: keyof typeof TEXTS, others = ""): string => {
    const text = said[key];
    if (text !== undefined) return text;
    const [inFile, inEnvironment] = TEXTS[key];
    throw usage(
      `The login to Kafka by ${kind} needs ${key === "username" ? "a user" : `a ${key}`}: set ${inEnvironment}${others}, or ${inFile} in a settings file.`,
    );
  };
  switch (kind) {
    case undefined:
    case "none":
      return undefined;
    case "iam": {
      const region = said.region ?? regionOf(brokers);
      return {
        kind,
        ...(region !== undefined && { region }),
        ...(said.profile !== undefined && { profile: said.profile }),
      };
    }
    case "token": {
      const { tokenFile } = said;
      if (tokenFile === undefined) {
        const token = need("token", " or MILLRACE_KAFKA_TOKEN_FILE");
        return { kind, token: async () => token };
      }
      // Read for each login, since whoever writes the file writes it anew before the token in it expires.
      return { kind, token: async () => readText(tokenFile, "the token").trim() };
    }
    default:
      return { kind, username: need("username"), password: need("password") };
  }
}

function kindOf({ kind, username, token, tokenFile }: Said, brokers: readonly string[]): Kind | undefined {
  if (kind !== undefined) {
    if ((KINDS as readonly string[]).includes(kind)) return kind as Kind;
    throw usage(`There is no login to Kafka by ${quote(kind)}; there are: ${listOf(KINDS)}.`);
  }
  const spoken = spokenAt(brokers);
  if (spoken === "iam") return "iam";
  // What MSK has, of the three.
  if (spoken === "scram") return "scram-sha-512";
  if (token !== undefined || tokenFile !== undefined) return "token";
  if (username === undefined) return undefined;
  throw usage(
    `There is a user for Kafka, and no kind of login: set ${TEXTS.kind[1]} to ${PASSWORD_KINDS.join(" or ")}, or ${TEXTS.kind[0]} in a settings file.`,
  );
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw usage(`The file with ${what} cannot be read: ${(cause as Error).message}.`, cause);
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function usage(sentence: string, cause?: unknown): MillraceError {
  return new MillraceError("usage", sentence, { cause });
}
