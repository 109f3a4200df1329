/**
 * Tokens for the login of Amazon MSK: a presigned request for kafka-cluster:Connect, in base64url. Loading this file loads the AWS SDK's credentials and
 * its signer.
 *
 * The signature is what proves who one is; its host names the service of a region, not a broker, and nobody ever sends the request. User-Agent is
 * added behind the signature, as AWS's own signers do.
 */

import { defaultProvider } from "@aws-sdk/credential-provider-node";
import { SignatureV4 } from "@smithy/signature-v4";
import { MillraceError } from "../stream/error.ts";
import type { IamCredentials, IamLogin } from "./kafka-settings.ts";
import { regionOf } from "./msk-address.ts";
import { NodeHash } from "./node-hash.ts";

/** The longest that MSK takes. */
const EXPIRES_S_MAX = 900;

export type IamToken = { readonly token: string; readonly accessKeyId: string; readonly region: string };

/** The SDK's credentials are remembered, and renewed before they expire, by whoever holds them: once for all connections of a broker. */
const providers = new WeakMap<IamLogin, () => Promise<IamCredentials>>();

/**
 * A new token. Signing takes 0.2 ms, less than keeping one would be worth, and each session lasts as long as it may. Throws "kafka" where there is no
 * region or there are no credentials.
 */
export async function iamToken(login: IamLogin, brokers: readonly string[]): Promise<IamToken> {
  const region = login.region ?? regionOf(brokers) ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  if (region === undefined)
    throw new MillraceError(
      "kafka",
      `The region for the login by IAM is not known: ${brokers.join(", ")} does not say it. Give it as login.region (MILLRACE_KAFKA_REGION), or AWS_REGION.`,
    );
  const credentials = await credentialsOf(login, region);
  const leftS = credentials.expiration && Math.floor((credentials.expiration.getTime() - Date.now()) / 1_000);
  if (leftS !== undefined && leftS <= 0)
    throw new MillraceError("kafka", "The AWS credentials for the login by IAM have expired: log in to AWS again.");
  const signer = new SignatureV4({
    service: "kafka-cluster",
    region,
    credentials: {
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey,
      ...(credentials.sessionToken !== undefined && { sessionToken: credentials.sessionToken }),
    },
    sha256: NodeHash,
    applyChecksum: false,
  });
  const hostname = `kafka.${region}.amazonaws.com`;
  const { query = {} } = await signer.presign(
    {
      method: "GET",
      protocol: "https:",
      hostname,
      path: "/",
      headers: { host: hostname },
      query: { Action: "kafka-cluster:Connect" },
    },
    { expiresIn: Math.min(EXPIRES_S_MAX, leftS ?? EXPIRES_S_MAX) },
  );
  const pairs = Object.entries({ ...query, "User-Agent": "millrace" });
  const text = pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join("&");
  const token = Buffer.from(`https://${hostname}/?${text}`).toString("base64url");
  return { token, accessKeyId: credentials.accessKeyId, region };
}

async function credentialsOf(login: IamLogin, region: string): Promise<IamCredentials> {
  let provider = login.credentials ?? providers.get(login);
  if (provider === undefined) {
    provider = defaultProvider({
      clientConfig: { region },
      ...(login.profile !== undefined && { profile: login.profile }),
    });
    providers.set(login, provider);
  }
  try {
    return await provider();
  } catch (cause) {
    throw new MillraceError(
      "kafka",
      `There are no AWS credentials for Kafka's login by IAM (${(cause as Error).message}): name a profile (--profile, AWS_PROFILE), log in with "aws sso login", or run where there is a role.`,
      { cause },
    );
  }
}
