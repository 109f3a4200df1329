/** The table that holds the state of an application: kept, recoverable to the second, and paid by request. */

import { RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, BillingMode, Table, TableEncryption } from "aws-cdk-lib/aws-dynamodb";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { BlockPublicAccess, Bucket, BucketEncryption } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { PARTITION_KEY, SORT_KEY } from "../state-log/dynamodb-table.ts";
import { acknowledge } from "./acknowledge.ts";

export type StateOptions = {
  /** A key of yours. Default: DynamoDB's own, which costs nothing. */
  readonly encryptionKey?: IKey;
  /** Units a second that are paid for whether or not they are used. Default: by request. */
  readonly provisioned?: { readonly readUnits: number; readonly writeUnits: number };
  /** Tells which keys are written most; paid by event. Default: no. */
  readonly contributorInsights?: boolean;
  /** Puts large chunks of state into a bucket. Default: all of it lies in the table. */
  readonly snapshotBucket?: boolean;
};

export class StateTable extends Construct {
  readonly table: Table;
  readonly bucket: Bucket | undefined;

  /** `keep`: what is in it outlives the stack, and nobody deletes it by mistake. */
  constructor(scope: Construct, id: string, tableName: string, keep: boolean, options: StateOptions = {}) {
    super(scope, id);
    const { encryptionKey, provisioned, contributorInsights = false, snapshotBucket = false } = options;
    const removalPolicy = keep ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    // Nothing in it ends by its age: an entry is overwritten when nobody needs it any more.
    this.table = new Table(this, "Table", {
      tableName,
      partitionKey: { name: PARTITION_KEY, type: AttributeType.STRING },
      sortKey: { name: SORT_KEY, type: AttributeType.STRING },
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: keep,
      removalPolicy,
      ...(contributorInsights && { contributorInsightsSpecification: { enabled: true } }),
      ...(provisioned === undefined
        ? { billingMode: BillingMode.PAY_PER_REQUEST }
        : {
            billingMode: BillingMode.PROVISIONED,
            readCapacity: provisioned.readUnits,
            writeCapacity: provisioned.writeUnits,
          }),
      ...(encryptionKey === undefined
        ? { encryption: TableEncryption.DEFAULT }
        : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey }),
    });
    if (snapshotBucket) this.bucket = this.#newBucket(removalPolicy, encryptionKey);
  }

  #newBucket(removalPolicy: RemovalPolicy, encryptionKey: IKey | undefined): Bucket {
    // Without versions: what is swept would stay, and be paid for.
    const bucket = new Bucket(this, "Snapshots", {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      removalPolicy,
      ...(encryptionKey === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : { encryption: BucketEncryption.KMS, encryptionKey }),
    });
    acknowledge(
      bucket,
      ["AwsSolutions-S1"],
      "Only the functions of this application can reach it; whom they are is in CloudTrail.",
    );
    return bucket;
  }
}
