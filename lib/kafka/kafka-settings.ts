/** How a Kafka cluster is reached. */

/** How a Kafka cluster is reached: its addresses, what is spoken there, and who one is. */
export type KafkaSettings = {
  /** host:port of some brokers of the cluster. */
  readonly brokers: readonly string[];
  /**
   * TLS. `true` trusts the authorities that Node trusts: its own list, those of NODE_EXTRA_CA_CERTS, and with `--use-system-ca` the system's.
   * Default: only where the login is by IAM.
   */
  readonly tls?: boolean | KafkaTls;
  /** Default: none, or the certificate in `tls`. */
  readonly login?: KafkaLogin;
  /** What the brokers' logs and quotas call this client. Default "millrace". */
  readonly clientId?: string;
  /** How long a call may take in all, its repeats included. Default 10 s. */
  readonly callTimeoutMs?: number;
  /** The largest record, key, value and headers together. Default 1,000,000, which fits Kafka's default of 1,048,588 for a batch. */
  readonly recordBytesMax?: number;
  /** Copies of topics that are created; −1, which is the default, leaves it to the broker. */
  readonly replicationFactor?: number;
};

/** Certificates and keys, as text in PEM. */
export type KafkaTls = {
  /** Certificates of the authorities to trust, instead of those that Node trusts. */
  readonly ca?: string;
  /** The certificate that says who this client is, and those between it and its authority: mTLS. Needs `key`. */
  readonly cert?: string;
  /** The private key of `cert`. */
  readonly key?: string;
  /** What `key` is encrypted with. */
  readonly passphrase?: string;
  /** The name that the brokers' certificates carry, where it is not that of their address. */
  readonly servername?: string;
};

/** Who one is, where that is not said by a certificate. */
export type KafkaLogin =
  /** SASL/PLAIN or SASL/SCRAM. PLAIN sends the password as it is: use TLS with it. */
  | {
      readonly kind: "plain" | "scram-sha-256" | "scram-sha-512";
      readonly username: string;
      readonly password: string;
    }
  /** SASL/OAUTHBEARER: asked for a token whenever a connection is made, and before a session ends. */
  | { readonly kind: "token"; readonly token: () => Promise<string> }
  | IamLogin;

/** The login of Amazon MSK: AWS credentials sign a token for each connection, and another before its session ends. TLS comes with it. */
export type IamLogin = {
  readonly kind: "iam";
  /** Default: what the brokers' names say (`….kafka.eu-west-1.amazonaws.com`), else AWS_REGION. */
  readonly region?: string;
  /** A profile of the shared AWS configuration. */
  readonly profile?: string;
  /** Asked for each token. Default: as the AWS SDK finds them, renewed before they expire. */
  readonly credentials?: () => Promise<IamCredentials>;
};

export type IamCredentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly expiration?: Date | undefined;
};

export const CALL_TIMEOUT_MS_DEFAULT = 10_000;
export const RECORD_BYTES_MAX_KAFKA = 1_000_000;
