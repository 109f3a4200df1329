/** The tables that operators write rows into, as their declarations say. */

import { RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, BillingMode, Table, TableEncryption } from "aws-cdk-lib/aws-dynamodb";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Construct } from "constructs";
import type { KeyAttribute } from "../stream/dynamo-table.ts";
import type { TablePlan } from "../stream/plan.ts";
import { nameOfTable } from "../tables/dynamodb-table-store.ts";

const TYPES = { string: AttributeType.STRING, number: AttributeType.NUMBER, binary: AttributeType.BINARY } as const;

export class RowTables extends Construct {
  readonly #tables = new Map<string, Table>();

  /** `stateTable`: the name of the application's, with which theirs begin. */
  constructor(
    scope: Construct,
    id: string,
    tables: readonly TablePlan[],
    stateTable: string,
    { keep, encryptionKey }: { readonly keep: boolean; readonly encryptionKey: IKey | undefined },
  ) {
    super(scope, id);
    for (const { name, partitionKey, sortKey, ttlAttribute } of tables) {
      const table = new Table(this, name, {
        tableName: nameOfTable(stateTable, name),
        partitionKey: toAttribute(partitionKey),
        ...(sortKey !== undefined && { sortKey: toAttribute(sortKey) }),
        timeToLiveAttribute: ttlAttribute,
        billingMode: BillingMode.PAY_PER_REQUEST,
        pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
        deletionProtection: keep,
        removalPolicy: keep ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
        ...(encryptionKey === undefined
          ? { encryption: TableEncryption.DEFAULT }
          : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey }),
      });
      this.#tables.set(name, table);
    }
  }

  /** The table of this name, to let others read it. */
  table(name: string): Table {
    return this.#tables.get(name) as Table;
  }
}

function toAttribute({ name, type }: KeyAttribute) {
  return { name, type: TYPES[type] };
}
