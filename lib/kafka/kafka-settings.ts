/** How a Kafka cluster is reached. */

export type KafkaSettings = {
  /** host:port of some brokers of the cluster. */
  readonly brokers: readonly string[];
  /** TLS; true for the authorities that Node trusts. With `cert` and `key` the client shows who it is (mTLS). All in PEM. */
  readonly tls?: boolean | KafkaTls;
  readonly login?: KafkaLogin;
  readonly clientId?: string;
  /** How long a call may take in all, its repeats included. Default 10 s. */
  readonly callTimeoutMs?: number;
  /** The largest record, key, value and headers together. Default 1,000,000, which fits Kafka's default of 1,048,588 for a batch. */
  readonly recordBytesMax?: number;
  /** Copies of topics that are created; −1, which is the default, leaves it to the broker. */
  readonly replicationFactor?: number;
};

export type KafkaTls = {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  readonly servername?: string;
};

export type KafkaLogin =
  | {
      readonly kind: "plain" | "scram-sha-256" | "scram-sha-512";
      readonly username: string;
      readonly password: string;
    }
  /**
   * OAUTHBEARER: asked for a token whenever a connection is made and before a session ends. For IAM on MSK, `aws-msk-iam-sasl-signer-js` makes
   * them: `async () => (await generateAuthToken({ region })).token`.
   */
  | { readonly kind: "token"; readonly token: () => Promise<string> };

export const CALL_TIMEOUT_MS_DEFAULT = 10_000;
export const RECORD_BYTES_MAX_KAFKA = 1_000_000;
