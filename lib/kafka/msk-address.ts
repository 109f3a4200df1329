/** What the address of an Amazon MSK broker says by itself: its region, and by the port what is spoken there. */

/** b-1.shop.a1b2c3.c2.kafka.eu-west-1.amazonaws.com; boot-x1.c1.kafka-serverless.eu-west-1.amazonaws.com; in China with .cn behind. */
const MSK_NAME = /\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/i;

/** MSK's ports are fixed, inside the network and, with 91 in front, outside of it. */
const SPOKEN_AT = { "94": "tls", "96": "scram", "98": "iam" } as const;

/** The region that the brokers' names say. */
export function regionOf(brokers: readonly string[]): string | undefined {
  return brokers.map((broker) => MSK_NAME.exec(hostOf(broker))?.[1]?.toLowerCase()).find((region) => region);
}

/** What all these brokers speak, where they are MSK's: TLS alone or with a certificate, with a user and a password, or with IAM. */
export function spokenAt(brokers: readonly string[]): "tls" | "scram" | "iam" | undefined {
  const all = new Set(
    brokers.map((broker) => {
      const port = /:9[01](94|96|98)$/.exec(broker);
      return port === null || !MSK_NAME.test(hostOf(broker)) ? undefined : port[1];
    }),
  );
  const [only] = all;
  return all.size === 1 && only !== undefined ? SPOKEN_AT[only as keyof typeof SPOKEN_AT] : undefined;
}

function hostOf(broker: string): string {
  return broker.slice(0, broker.lastIndexOf(":"));
}
