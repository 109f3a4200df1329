/**
 * The login of a connection, as kafkajs takes it. User and password are kafkajs's; tokens are ours: kafkajs takes the answer to a refused one for
 * success, and the end of the connection that follows for the answer to the next request.
 */

/// <reference path="./kafkajs-connection.d.ts" />

import type { KafkajsAuthenticate, KafkajsSasl } from "kafkajs/src/network/connection.js";
import Encoder from "kafkajs/src/protocol/encoder.js";
import { MillraceError } from "../stream/error.ts";
import type { KafkaLogin, KafkaSettings } from "./kafka-settings.ts";

/** The broker did not take a token. */
export class TokenRefusedError extends Error {
  /** Who the token is of, where we made it. */
  readonly who: string | undefined;

  constructor(message: string, who: string | undefined, options?: ErrorOptions) {
    super(message, options);
    this.name = "TokenRefusedError";
    this.who = who;
  }
}

type Token = { readonly token: string; readonly who?: string };

/** What a client answers to the reason of a refusal, so that the broker ends the login with an error (RFC 7628, 3.2.3). */
const REFUSAL_SEEN = "\u0001";

/** For each connection anew, since kafkajs keeps its state in it. */
export function toSasl({ login, brokers }: KafkaSettings): KafkajsSasl | undefined {
  if (login === undefined) return undefined;
  if (login.kind !== "token" && login.kind !== "iam")
    return { mechanism: login.kind, username: login.username, password: login.password };
  return {
    mechanism: "OAUTHBEARER",
    authenticationProvider: ({ saslAuthenticate }) => ({
      authenticate: async () => present(await tokenOf(login, brokers), saslAuthenticate),
    }),
  };
}

async function present({ token, who }: Token, authenticate: KafkajsAuthenticate): Promise<void> {
  const send = (text: string) =>
    authenticate({
      request: { encode: async () => new Encoder().writeBytes(Buffer.from(text)).buffer },
      // Its length, in four bytes, and the text.
      response: { decode: async (bytes) => bytes.subarray(4).toString(), parse: async (answer) => answer },
    });
  let reason = "";
  try {
    reason = await send(`n,,\u0001auth=Bearer ${token}\u0001\u0001`);
    if (reason === "") return;
    await send(REFUSAL_SEEN);
  } catch (error) {
    const { type, message } = error as { readonly type?: string; readonly message: string };
    if (type === "SASL_AUTHENTICATION_FAILED") throw new TokenRefusedError(reason || message, who, { cause: error });
    // Who has told its reason may also just hang up.
    if (reason === "") throw error;
  }
  throw new TokenRefusedError(reason, who);
}

async function tokenOf(
  login: Extract<KafkaLogin, { kind: "token" | "iam" }>,
  brokers: readonly string[],
): Promise<Token> {
  if (login.kind === "iam") {
    const { iamToken } = await import("./msk-iam.ts");
    const { token, accessKeyId, region } = await iamToken(login, brokers);
    return { token, who: `access key ${accessKeyId} in ${region}` };
  }
  try {
    return { token: await login.token() };
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    throw new MillraceError("kafka", `There is no token for the login to Kafka: ${(cause as Error).message}`, {
      cause,
    });
  }
}
