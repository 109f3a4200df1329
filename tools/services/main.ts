/** `npm run services`: Apache Kafka and DynamoDB Local on this machine, with `-- --s3` S3Proxy and with `-- --aws` MiniStack too, until Ctrl-C. Their data is gone afterwards. */

import { parseArgs } from "node:util";
import { startDynamoDbLocal } from "./dynamodb-local.ts";
import { portOrFree } from "./free-ports.ts";
import { startKafka } from "./kafka.ts";
import { type MiniStack, startMiniStack } from "./ministack.ts";
import { startS3 } from "./s3.ts";

/** The ports that everybody expects; where one is taken, another. */
const KAFKA_PORT = 9092;
const DYNAMODB_PORT = 8000;
const S3_PORT = 9000;
const AWS_PORT = 4566;

const say = (text: string) => process.stdout.write(`${text}\n`);

const { values: options } = parseArgs({
  options: { s3: { type: "boolean", default: false }, aws: { type: "boolean", default: false } },
});
const names = [
  "Apache Kafka",
  "DynamoDB Local",
  ...(options.s3 ? ["S3Proxy"] : []),
  ...(options.aws ? ["MiniStack"] : []),
];
say(`Starting ${names.join(", ")}; the first time they are downloaded.`);
const [kafkaPort, dynamodbPort] = [await portOrFree(KAFKA_PORT), await portOrFree(DYNAMODB_PORT)];
const started = await Promise.allSettled([
  startKafka({ port: kafkaPort }),
  startDynamoDbLocal({ port: dynamodbPort }),
  options.s3 ? startS3({ port: await portOrFree(S3_PORT) }) : undefined,
  options.aws ? startMiniStack({ port: await portOrFree(AWS_PORT) }) : undefined,
] as const);
const [kafka, dynamodb, s3, aws] = started;
const stop = async () => {
  for (const service of started) if (service.status === "fulfilled") await service.value?.stop();
};

if (
  kafka.status === "rejected" ||
  dynamodb.status === "rejected" ||
  s3.status === "rejected" ||
  aws.status === "rejected"
) {
  for (const service of started) {
    if (service.status === "rejected") process.stderr.write(`${(service.reason as Error).message}\n`);
  }
  await stop();
  process.exit(1);
}

say(`
  Apache Kafka      ${kafka.value.bootstrap}
  DynamoDB Local    ${dynamodb.value.endpoint}${s3.value === undefined ? "" : `\n  S3Proxy           ${s3.value.endpoint}`}${describeAws(aws.value)}

To be set in another terminal, for whoever uses them:

  export KAFKA_BOOTSTRAP_SERVERS=${kafka.value.bootstrap}
  export AWS_ENDPOINT_URL_DYNAMODB=${dynamodb.value.endpoint}${s3.value === undefined ? "" : `\n  export AWS_ENDPOINT_URL_S3=${s3.value.endpoint}`}
  export AWS_REGION=local AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local

Ctrl-C ends them and deletes their data.`);

function describeAws(aws: MiniStack | undefined): string {
  return aws === undefined
    ? ""
    : `\n  MiniStack         ${aws.endpoint}   (millrace deploy --local --endpoint ${aws.endpoint})`;
}

await new Promise<void>((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => resolve());
});
say("Stopping.");
await stop();
process.exit(0);
