/** What a real DynamoDB reports is what we count. */

import { randomUUID } from "node:crypto";
import type { Item } from "../../lib/state-log/dynamodb-items.ts";
import { openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { type Charged, testUnits } from "../contracts/dynamodb-units.contract.ts";
import { type Answered, LossyProxy } from "./lossy-proxy.ts";

testUnits("units of DynamoDB Local", async () => {
  const server = await startDynamoDbLocal();
  const proxy = await new LossyProxy(server.endpoint).listen();
  const log = await openDynamoDbStateLog({ endpoint: proxy.endpoint, table: `units-${randomUUID()}`, create: true });
  return {
    log,
    charged: () => proxy.answered.map(toCharged),
    close: async () => {
      await log.close();
      await proxy[Symbol.asyncDispose]();
      await server.stop();
    },
  };
});

function toCharged({ operation, input, output }: Answered): Charged {
  const units = Number(Object(output.ConsumedCapacity).CapacityUnits ?? 0);
  return { operation, item: input.Item === undefined ? undefined : toItem(input.Item as JsonItem), units };
}

type JsonItem = Readonly<Record<string, { S?: string; N?: string; B?: string; BOOL?: boolean }>>;

/** An item as it stands in a request, where bytes are base64. */
function toItem(item: JsonItem): Item {
  return Object.fromEntries(
    Object.entries(item).map(([name, value]) => [
      name,
      value.B === undefined ? (value as Item[string]) : { B: Buffer.from(value.B, "base64") },
    ]),
  );
}
