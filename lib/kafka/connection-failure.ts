/** Why a connection could not be used, as a sentence for whoever has to set it right: certificates, logins, and who speaks what on a port. */

import { MillraceError } from "../stream/error.ts";
import type { KafkaLogin, KafkaSettings } from "./kafka-settings.ts";
import { TokenRefusedError } from "./login.ts";
import { describeCertificate, usesTls } from "./tls-options.ts";

/** Another attempt may help: over this cluster's other connections, or over all new ones. `advice`: what it may be, if none does. */
export class UnusableConnectionError extends Error {
  readonly reaction: "wait" | "reconnect";
  readonly advice: string;

  constructor(reaction: "wait" | "reconnect", advice: string, cause: unknown) {
    super((cause as Error).message, { cause });
    this.name = "UnusableConnectionError";
    this.reaction = reaction;
    this.advice = advice;
  }
}

/** What is known of a connection that failed. */
export type FailedConnection = {
  /** host:port */
  readonly address: string;
  readonly settings: KafkaSettings;
  /** What the socket said, whatever kafkajs made of it. */
  readonly socketError: Error | undefined;
  /** Whether what came back is TLS, although it was not spoken to in TLS. */
  readonly answeredInTls: boolean;
  /** Whether it ever answered a request behind the login. */
  readonly hasServed: boolean;
};

type Coded = Error & {
  readonly code?: string | number;
  readonly type?: string;
  readonly cert?: { readonly subjectaltname?: string; readonly subject?: { readonly CN?: string } };
};

/** Node's names for "nobody whom we trust has signed it". */
const UNTRUSTED =
  /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_GET_ISSUER_CERT_LOCALLY|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|CERT_SIGNATURE_FAILURE|CERT_UNTRUSTED|INVALID_CA)$/;

/** The other side ends TLS for our certificate, or for want of one: Java says "bad certificate" for none, and "certificate unknown" for any that it does not take. */
const REFUSES_CERTIFICATE =
  /ALERT_(BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)$/;
const NO_COMMON_TLS =
  /(ALERT_(PROTOCOL_VERSION|INSUFFICIENT_SECURITY|HANDSHAKE_FAILURE)|UNSUPPORTED_PROTOCOL|NO_CIPHERS_AVAILABLE)$/;
const NOT_TLS = /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|UNEXPECTED_MESSAGE)$/;

/** Which only repeats what the sentence says. */
const KAFKAJS_PREFIX = /^SASL [\w ]+ authentication failed: /;

/** MSK says so to who connects too often; a moment later it takes them. */
const TOO_MANY = /Too many connects/i;

/** A MillraceError where trying again cannot help, an UnusableConnectionError where it may, and the error itself where nothing is known about it. */
export function explainFailure(error: unknown, connection: FailedConnection): unknown {
  if (error instanceof MillraceError) return error;
  const { address, settings } = connection;
  const cause = connection.socketError ?? error;
  const sentence = connection.answeredInTls
    ? 'speaks TLS on this port, and it was spoken to without: set "tls" (MILLRACE_KAFKA_TLS=true)'
    : (ofTls(cause as Coded, connection) ?? ofLogin(error as Coded, settings.login));
  if (sentence !== undefined) return new MillraceError("kafka", `Kafka at ${address} ${sentence}.`, { cause });
  if (error instanceof TokenRefusedError)
    return new UnusableConnectionError("wait", "it is being connected to too often", error);
  if (!isEnded(error as Coded)) return error;
  const advice = adviceOnEnd(cause as Coded, connection);
  return advice === undefined ? error : new UnusableConnectionError("reconnect", advice, error);
}

function ofTls(cause: Coded, { address, settings }: FailedConnection): string | undefined {
  const code = String(cause.code);
  const tls = typeof settings.tls === "object" ? settings.tls : {};
  if (UNTRUSTED.test(code))
    return tls.ca === undefined
      ? `shows a certificate that no authority known to Node has signed (${code}): name the authority's in tls.ca (MILLRACE_KAFKA_CA_FILE), or start Node with --use-system-ca if this machine knows it`
      : `shows a certificate that no authority in tls.ca (MILLRACE_KAFKA_CA_FILE) has signed (${code}): it must be that of this cluster, with all authorities up to the root`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const names = cause.cert?.subjectaltname ?? cause.cert?.subject?.CN ?? "nobody";
    const wanted = tls.servername ?? address.slice(0, address.lastIndexOf(":"));
    return `shows a certificate that is not for ${wanted}, but for ${names}: use that name as the address, or say it as tls.servername (MILLRACE_KAFKA_SERVER_NAME)`;
  }
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID")
    return `shows a certificate that ${code === "CERT_HAS_EXPIRED" ? "has expired" : "is not valid yet"}: it needs another one, or this machine's clock is wrong (${new Date().toISOString()})`;
  if (REFUSES_CERTIFICATE.test(code)) {
    if (tls.cert !== undefined)
      return `refuses the client certificate (${describeCertificate(tls.cert)}; ${code}): the broker must trust its issuer, and it must be valid`;
    if (!code.endsWith("HANDSHAKE_FAILURE"))
      return `asks for a client certificate (${code}): give one in tls.cert and tls.key (MILLRACE_KAFKA_CERT_FILE, MILLRACE_KAFKA_KEY_FILE)`;
  }
  if (NO_COMMON_TLS.test(code)) return `and this Node have no version or cipher of TLS in common (${code})`;
  if (NOT_TLS.test(code))
    return `does not speak TLS on this port (${code}): use the port that does, or leave "tls" out`;
  return undefined;
}

function ofLogin(error: Coded, login: KafkaLogin | undefined): string | undefined {
  if (error instanceof TokenRefusedError) {
    if (TOO_MANY.test(error.message)) return undefined;
    return login?.kind === "iam"
      ? `refuses the login by IAM with ${error.who} ("${error.message}"): the credentials must be valid, their policy must allow kafka-cluster:Connect on this cluster, the region must be the cluster's, and this machine's clock right`
      : `refuses the login ("${error.message}"): check the token, what it is for and until when it lives`;
  }
  if (error.type === "UNSUPPORTED_SASL_MECHANISM")
    return `refuses the login: it does not know ${mechanismOf(login)} on this port; use the port that does, or another kind of login`;
  if (error.type === "ILLEGAL_SASL_STATE")
    return "asks for no login on this port, and was given one: leave it out, or use the port that does";
  if (error.name === "KafkaJSSASLAuthenticationError" || error.type === "SASL_AUTHENTICATION_FAILED") {
    const who = login !== undefined && "username" in login ? ` of user "${login.username}"` : "";
    return `refuses the login${who} by ${mechanismOf(login)} ("${error.message.replace(KAFKAJS_PREFIX, "")}"): check the user, the password and the mechanism`;
  }
  return undefined;
}

function mechanismOf(login: KafkaLogin | undefined): string {
  return login === undefined || login.kind === "token" || login.kind === "iam"
    ? "OAUTHBEARER"
    : login.kind.toUpperCase();
}

function isEnded({ name, code }: Coded): boolean {
  return name === "KafkaJSConnectionClosedError" || code === "ECONNRESET" || code === "EPIPE";
}

/** A broker that hangs up has no words; before it ever served, one of these is likely. */
function adviceOnEnd({ message }: Coded, { settings, hasServed }: FailedConnection): string | undefined {
  if (hasServed) return undefined;
  if (/before secure TLS connection/.test(message)) return "that port may not speak TLS";
  if (settings.login === undefined) return "that port may ask for a login";
  return usesTls(settings) ? undefined : "that port may speak TLS";
}
