/**
 * What AWS charges: the list prices of us-east-1, without free tiers and discounts, and where each is published. Whoever changes one changes the date.
 *
 * On PRICES_AS_OF these were compared with published tables of 2025 and 2026: DynamoDB on demand, MSK Serverless, `kafka.m7g.large` and `kafka.t3.small`, CloudWatch, SQS, Scheduler,
 * Fargate. The others are as they were known then, without a second look: Lambda and its poller units, Express and other brokers, endpoints, transfer, KMS, Secrets Manager, X-Ray,
 * provisioned units, KPUs.
 */

export const PRICES_AS_OF = "2026-11-23";
export const PRICES_REGION = "us-east-1";

/** A month, as AWS's calculator has it. */
export const HOURS_PER_MONTH = 730;
export const SECONDS_PER_MONTH = HOURS_PER_MONTH * 3_600;

export type Price = {
  readonly dollars: number;
  /** What is paid for, in the plural where it is counted: "million requests". */
  readonly per: string;
  /** Of `per` in one of what is counted here: a million requests in a request are a millionth. */
  readonly size: number;
  readonly source: string;
};

const MILLION = 1_000_000;
const GB = 1_000_000_000;
const GIB = 1024 ** 3;

const AT = {
  lambda: "https://aws.amazon.com/lambda/pricing/",
  dynamodb: "https://aws.amazon.com/dynamodb/pricing/",
  msk: "https://aws.amazon.com/msk/pricing/",
  cloudwatch: "https://aws.amazon.com/cloudwatch/pricing/",
  sqs: "https://aws.amazon.com/sqs/pricing/",
  scheduler: "https://aws.amazon.com/eventbridge/pricing/",
  privatelink: "https://aws.amazon.com/privatelink/pricing/",
  transfer: "https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer",
  kms: "https://aws.amazon.com/kms/pricing/",
  secrets: "https://aws.amazon.com/secrets-manager/pricing/",
  xray: "https://aws.amazon.com/xray/pricing/",
  flink: "https://aws.amazon.com/managed-service-apache-flink/pricing/",
  fargate: "https://aws.amazon.com/fargate/pricing/",
} as const;

/** Paid by what is done. What S3 takes of snapshots stands in lib/state-log/s3-cost.ts, with what follows from it. */
export const USE = {
  lambdaRequests: { dollars: 0.2, per: "million requests", size: MILLION, source: AT.lambda },
  /** arm64, the first tier. */
  lambdaGbSeconds: { dollars: 0.0000133334, per: "GB-second", size: 1, source: AT.lambda },
  writeUnits: { dollars: 0.625, per: "million write units", size: MILLION, source: AT.dynamodb },
  readUnits: { dollars: 0.125, per: "million read units", size: MILLION, source: AT.dynamodb },
  logBytes: { dollars: 0.5, per: "GB", size: GB, source: AT.cloudwatch },
  queueRequests: { dollars: 0.4, per: "million requests", size: MILLION, source: AT.sqs },
  schedules: { dollars: 1, per: "million calls", size: MILLION, source: AT.scheduler },
  traces: { dollars: 5, per: "million traces", size: MILLION, source: AT.xray },
  mskServerlessIn: { dollars: 0.1, per: "GB", size: GB, source: AT.msk },
  mskServerlessOut: { dollars: 0.05, per: "GB", size: GB, source: AT.msk },
  mskExpressIn: { dollars: 0.01, per: "GB", size: GB, source: AT.msk },
  /** Between zones of a region, in and out. */
  crossZone: { dollars: 0.02, per: "GB", size: GB, source: AT.transfer },
} as const satisfies Readonly<Record<string, Price>>;

/** Paid by time, an hour of each. */
export const HOURLY = {
  mskServerless: { dollars: 0.75, per: "hour", size: 1, source: AT.msk },
  mskServerlessPartition: { dollars: 0.0015, per: "hour", size: 1, source: AT.msk },
  /** An event poller unit: 20 MB/s, by up to ten pollers of a mapping or of a group of mappings. */
  pollerUnit: { dollars: 0.185, per: "hour", size: 1, source: AT.lambda },
  /** In one zone. */
  interfaceEndpoint: { dollars: 0.01, per: "hour", size: 1, source: AT.privatelink },
  provisionedWriteUnit: { dollars: 0.00065, per: "hour", size: 1, source: AT.dynamodb },
  provisionedReadUnit: { dollars: 0.00013, per: "hour", size: 1, source: AT.dynamodb },
  kpu: { dollars: 0.11, per: "hour", size: 1, source: AT.flink },
  fargateVcpu: { dollars: 0.03238, per: "hour", size: 1, source: AT.fargate },
  fargateGb: { dollars: 0.00356, per: "hour", size: 1, source: AT.fargate },
} as const satisfies Readonly<Record<string, Price>>;

/** A broker's hour by its kind, https://aws.amazon.com/msk/pricing/; of others the price is not known here. */
export const BROKERS: Readonly<Record<string, number>> = {
  "kafka.t3.small": 0.0456,
  "kafka.m5.large": 0.21,
  "kafka.m5.xlarge": 0.42,
  "kafka.m7g.large": 0.204,
  "kafka.m7g.xlarge": 0.408,
  "kafka.m7g.2xlarge": 0.816,
  "express.m7g.large": 0.408,
  "express.m7g.xlarge": 0.816,
  "express.m7g.2xlarge": 1.632,
  "express.m7g.4xlarge": 3.264,
};

/** Paid by the month. */
export const MONTHLY = {
  alarm: { dollars: 0.1, per: "alarm-month", size: 1, source: AT.cloudwatch },
  metric: { dollars: 0.3, per: "metric-month", size: 1, source: AT.cloudwatch },
  dashboard: { dollars: 3, per: "dashboard-month", size: 1, source: AT.cloudwatch },
  key: { dollars: 1, per: "key-month", size: 1, source: AT.kms },
  secret: { dollars: 0.4, per: "secret-month", size: 1, source: AT.secrets },
  brokerGb: { dollars: 0.1, per: "GB-month", size: 1, source: AT.msk },
  tableBytes: { dollars: 0.25, per: "GB-month", size: GIB, source: AT.dynamodb },
  recoveryBytes: { dollars: 0.2, per: "GB-month", size: GIB, source: AT.dynamodb },
  flinkGb: { dollars: 0.1, per: "GB-month", size: 1, source: AT.flink },
} as const satisfies Readonly<Record<string, Price>>;
