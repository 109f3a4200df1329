/** TLS as the settings say it. Certificates and keys are looked at before a connection is tried, so that what is wrong with them is said. */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { type ConnectionOptions, createSecureContext, type SecureContext } from "node:tls";
import { MillraceError } from "../stream/error.ts";
import type { KafkaSettings, KafkaTls } from "./kafka-settings.ts";

/** What a person calls the parts: properties, or files. */
export type TlsNames = {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly passphrase: string;
};

const PROPERTIES: TlsNames = { ca: "tls.ca", cert: "tls.cert", key: "tls.key", passphrase: "tls.passphrase" };

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/;
const ENCRYPTED_KEY = /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/;

/** Made once for all connections of a broker. */
const contexts = new WeakMap<KafkaTls, SecureContext>();

export function usesTls({ tls, login }: KafkaSettings): boolean {
  return tls === undefined ? login?.kind === "iam" : tls !== false;
}

/** The options of a socket; null for one without TLS. Throws "kafka" where a certificate or a key cannot be used. */
export function toTlsOptions(settings: KafkaSettings): ConnectionOptions | null {
  if (!usesTls(settings)) return null;
  const { tls } = settings;
  if (typeof tls !== "object") return {};
  let secureContext = contexts.get(tls);
  if (secureContext === undefined) {
    checkTls(tls);
    const { servername, ...parts } = tls;
    secureContext = createSecureContext(parts);
    contexts.set(tls, secureContext);
  }
  return { secureContext, ...(tls.servername !== undefined && { servername: tls.servername }) };
}

/** Throws "kafka" with a sentence where a part cannot be read, does not fit to another, or is not valid now. */
export function checkTls({ ca, cert, key, passphrase }: KafkaTls, names: TlsNames = PROPERTIES): void {
  const refuse = (sentence: string, cause?: unknown) => new MillraceError("kafka", sentence, { cause });
  if (ca !== undefined) readCertificate(ca, names.ca);
  if (cert === undefined && key === undefined) return;
  if (cert === undefined || key === undefined) {
    const [there, missing] = cert === undefined ? [names.key, names.cert] : [names.cert, names.key];
    throw refuse(`There is ${there} without ${missing}: a client that shows who it is (mTLS) needs both.`);
  }
  const certificate = readCertificate(cert, names.cert);
  const name = certificate.subject.replaceAll("\n", ", ");
  if (Date.parse(certificate.validTo) < Date.now())
    throw refuse(`The client certificate in ${names.cert} (${name}) expired on ${certificate.validTo}: get a new one.`);
  let privateKey: ReturnType<typeof createPrivateKey>;
  try {
    privateKey = createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (passphrase === undefined && ENCRYPTED_KEY.test(key))
      throw refuse(`The key in ${names.key} is encrypted: say with what, in ${names.passphrase}.`, cause);
    if (code === "ERR_OSSL_BAD_DECRYPT")
      throw refuse(`The key in ${names.key} is encrypted with something else than ${names.passphrase}.`, cause);
    throw refuse(
      `There is no private key in ${names.key} (${message}): it begins with "-----BEGIN PRIVATE KEY-----".`,
      cause,
    );
  }
  if (!certificate.checkPrivateKey(privateKey))
    throw refuse(`The key in ${names.key} is not that of the certificate in ${names.cert} (${name}).`);
}

/** Who a certificate is for, by whom, and until when. */
export function describeCertificate(pem: string): string {
  const { subject, issuer, validTo } = new X509Certificate(pem);
  const onOneLine = (text: string) => text.replaceAll("\n", ", ");
  return `${onOneLine(subject)}; issued by ${onOneLine(issuer)}; valid until ${validTo}`;
}

/** The first of them, which is the client's own. */
function readCertificate(pem: string, name: string): X509Certificate {
  if (!CERTIFICATE.test(pem))
    throw new MillraceError(
      "kafka",
      `There is no certificate in ${name}: it begins with "-----BEGIN CERTIFICATE-----" (PEM). A Java keystore becomes one with "keytool -exportcert -rfc" or "openssl pkcs12".`,
    );
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new MillraceError("kafka", `The certificate in ${name} cannot be read: ${(cause as Error).message}.`, {
      cause,
    });
  }
}
