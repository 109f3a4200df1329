/** What must compile at the end of streams, and infer exactly this. Checked by tsc; never run. */

import {
  type DynamoTable,
  days,
  dynamoTable,
  type OutsideSink,
  route,
  type SinkElement,
  seconds,
  secret,
  setting,
  sink,
  stream,
  tumbling,
  type WindowResult,
} from "millrace";
import { access, type Equal, expectType, kinds, latest, type Order, orders } from "./prelude.ts";

const byId = stream(orders).keyBy((order) => order.id);

// Several topics: the element is that of the stream, in the selector and in what maps it.
byId.to(
  route({ orders, latest }, (order) => {
    expectType<Equal<typeof order, Order>>();
    return order.tenant;
  }),
);
byId
  .map((order) => ({ ...order, extra: 1 }))
  .to(
    route(
      {
        orders,
        kinds: kinds.from((order) => ({ kind: order.kind === "paid" ? "a" : "b", n: order.extra })),
        latest: latest.record({ value: (order: Order) => order, key: (order) => order.id }),
      },
      ({ extra }) => String(extra),
    ),
  );

// Tables: the element is that of the stream, in every function.
stream(access)
  .keyBy((a) => a.url)
  .window(tumbling(seconds(5)))
  .count()
  .to(
    dynamoTable("counts", {
      partitionKey: (result) => {
        expectType<Equal<typeof result.key, string>>();
        return result.key;
      },
      sortKey: { name: "startMs", type: "number", value: (result) => result.window.startMs },
      item: (result) => (result.value === 0 ? null : { count: result.value }),
      ttl: days(30),
    }),
  );

// Declared by itself, its element has to be said; elements that have more fit.
const rows = dynamoTable("rows", {
  partitionKey: { type: "binary", value: (order: Order) => new Uint8Array(order.id.length) },
  ttl: (order) => order.id.length,
});
expectType<Equal<typeof rows, DynamoTable<Order>>>();
byId.map((order) => ({ ...order, extra: 1 })).to(rows);
export const named = dynamoTable<WindowResult<string, number, unknown>>("named", { partitionKey: (r) => r.key });

// Sinks: elements and their key are those of the stream, the client is what open gives.
byId.to(
  sink("inline", {
    uses: { url: setting("HOOK_URL"), key: secret("hook/key") },
    open: async ({ url, key }) => ({ post: async (text: string) => `${url}${key}${text}` }),
    write: async (batch, { client, signal, attempt }) => {
      expectType<Equal<typeof batch, readonly SinkElement<Order, string>[]>>();
      expectType<Equal<typeof signal, AbortSignal>>();
      for (const { id, value } of batch) if (attempt > 1) await client.post(id + value.tenant);
      return { refused: [] };
    },
    timeout: seconds(5),
  }),
);
const hook = sink("hook", { write: async (_batch: readonly SinkElement<Order>[]) => {} });
expectType<Equal<typeof hook, OutsideSink<Order, unknown>>>();
byId.map((order) => ({ ...order, extra: 1 })).to(hook);
