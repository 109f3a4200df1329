/** Kafka's settings as a deployed function has them: addresses and kinds in its environment, what is secret in Secrets Manager. */

import type { KafkaSettings } from "../kafka/kafka-settings.ts";
import { readKafkaSettings } from "../kafka/read-kafka-settings.ts";
import { MillraceError } from "../stream/error.ts";
import type { LambdaSettings } from "./lambda-settings.ts";

/** Secrets as event source mappings want them, whose fields are fixed. */
type KafkaSecret = Partial<
  Record<"username" | "password" | "certificate" | "privateKey" | "privateKeyPassword", string>
>;

/** Asks `readSecret` for what the settings name. Throws "usage" with a sentence for a secret that does not hold what it should. */
export async function readKafkaSettingsOnLambda(
  { kafkaSecret, kafkaAuthoritySecret }: Pick<LambdaSettings, "kafkaSecret" | "kafkaAuthoritySecret">,
  env: Readonly<Record<string, string | undefined>>,
  readSecret: (id: string) => Promise<string>,
): Promise<KafkaSettings> {
  const parse = async (id: string | undefined) => (id === undefined ? {} : parseSecret(id, await readSecret(id)));
  const [own, authority] = await Promise.all([parse(kafkaSecret), parse(kafkaAuthoritySecret)]);
  const { username, password, certificate: cert, privateKey: key, privateKeyPassword: passphrase } = own;
  const settings = readKafkaSettings({
    env: { ...env, MILLRACE_KAFKA_USERNAME: username, MILLRACE_KAFKA_PASSWORD: password },
  });
  const tls = {
    ...(authority.certificate !== undefined && { ca: authority.certificate }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(passphrase !== undefined && { passphrase }),
  };
  return Object.keys(tls).length === 0 ? settings : { ...settings, tls };
}

function parseSecret(id: string, text: string): KafkaSecret {
  try {
    const secret: unknown = JSON.parse(text);
    if (typeof secret === "object" && secret !== null) return secret as KafkaSecret;
  } catch {
    // Its text is not to be shown.
  }
  throw new MillraceError(
    "usage",
    `Secret ${id} is not JSON with a username and a password, or a certificate and a privateKey.`,
  );
}
