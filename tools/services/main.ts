/** `npm run services`: Apache Kafka and DynamoDB Local on this machine, until Ctrl-C. Their data is gone afterwards. */

import { startDynamoDbLocal } from "./dynamodb-local.ts";
import { portOrFree } from "./free-ports.ts";
import { startKafka } from "./kafka.ts";

/** The ports that everybody expects; where one is taken, another. */
const KAFKA_PORT = 9092;
const DYNAMODB_PORT = 8000;

const say = (text: string) => process.stdout.write(`${text}\n`);

say("Starting Apache Kafka and DynamoDB Local; the first time they are downloaded.");
const [kafkaPort, dynamodbPort] = [await portOrFree(KAFKA_PORT), await portOrFree(DYNAMODB_PORT)];
const started = await Promise.allSettled([startKafka({ port: kafkaPort }), startDynamoDbLocal({ port: dynamodbPort })]);
const [kafka, dynamodb] = started;
const stop = async () => {
  for (const service of started) if (service.status === "fulfilled") await service.value.stop();
};

if (kafka.status === "rejected" || dynamodb.status === "rejected") {
  for (const service of started) {
    if (service.status === "rejected") process.stderr.write(`${(service.reason as Error).message}\n`);
  }
  await stop();
  process.exit(1);
}

say(`
  Apache Kafka      ${kafka.value.bootstrap}
  DynamoDB Local    ${dynamodb.value.endpoint}

To be set in another terminal, for whoever uses them:

  export KAFKA_BOOTSTRAP_SERVERS=${kafka.value.bootstrap}
  export AWS_ENDPOINT_URL_DYNAMODB=${dynamodb.value.endpoint}
  export AWS_REGION=local AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local

Ctrl-C ends them and deletes their data.`);

await new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
});
say("Stopping.");
await stop();
process.exit(0);
