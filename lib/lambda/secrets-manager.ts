/** Reads secrets. Loading this file loads the AWS SDK's client for Secrets Manager. */

import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { CALL_TIMEOUTS, callWithin, toClientConfig } from "../state-log/aws-call.ts";
import { MillraceError } from "../stream/error.ts";

/** The text of a secret. Throws "usage" where it cannot be read. */
export async function readSecret(id: string): Promise<string> {
  const client = new SecretsManagerClient(toClientConfig({}, CALL_TIMEOUTS));
  try {
    const command = new GetSecretValueCommand({ SecretId: id });
    const { SecretString } = await callWithin(CALL_TIMEOUTS.callMs, (abortSignal) =>
      client.send(command, { abortSignal }),
    );
    if (SecretString !== undefined) return SecretString;
    throw new MillraceError("usage", `Secret ${id} holds bytes, not text.`);
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    throw new MillraceError("usage", `Secret ${id} cannot be read: ${(cause as Error).message}`, { cause });
  } finally {
    client.destroy();
  }
}
