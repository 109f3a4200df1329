/** What must compile at the end of streams, and infer exactly this. Checked by tsc; never run. */

import { route, stream } from "millrace";
import { type Equal, expectType, kinds, latest, type Order, orders } from "./prelude.ts";

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
