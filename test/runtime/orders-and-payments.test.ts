/** The example of docs/operators.md: orders that meet their payments, and then the customer as of that time. */

import {
  at,
  boundedOutOfOrderness,
  hours,
  json,
  minutes,
  operator,
  seconds,
  stream,
  table,
  testDriver,
  text,
  topic,
} from "millrace";
import { expect, test } from "vitest";

const watermark = boundedOutOfOrderness(seconds(5), { idleAfter: seconds(30) });
const placed = topic("placed", { value: json<{ id: string; customer: string; cents: number }>(), watermark });
const payments = topic("payments", { value: json<{ order: string; cents: number }>(), watermark });
const customers = topic("customers", { key: text(), value: json<{ name: string }>(), watermark, compacted: true });
const settled = topic("settled", { key: text(), value: json<{ order: string; name: string; missing: number }>() });

const handler = operator(
  "paid-orders",
  stream(placed)
    .keyBy((order) => order.id)
    .intervalJoin(stream(payments).keyBy((payment) => payment.order))
    .between(minutes(-5), hours(24))
    .map((order, payment) => ({ order: order.id, customer: order.customer, missing: order.cents - payment.cents }))
    .keyBy(({ customer }) => customer, { name: "by-customer" })
    .leftJoin(table(customers))
    .map(({ order, missing }, customer) => ({ order, missing, name: customer?.name ?? "unknown" }))
    .to(settled),
);

test("orders meet their payments, and the name that the customer had then", async () => {
  await using driver = await testDriver(handler, { partitions: "declared" });
  const minute = (n: number) => n * minutes(1);
  await driver.send(customers, at(minute(0), { name: "Ann" }, { key: "a" }));
  await driver.send(customers, at(minute(50), { name: "Anna" }, { key: "a" }));
  await driver.send(placed, at(minute(10), { id: "1", customer: "a", cents: 500 }));
  await driver.send(placed, at(minute(20), { id: "2", customer: "b", cents: 300 }));
  await driver.send(payments, at(minute(14), { order: "2", cents: 300 }), at(minute(16), { order: "2", cents: 200 }));
  await driver.send(payments, at(minute(30), { order: "1", cents: 400 }), at(minute(60), { order: "1", cents: 100 }));
  await driver.advanceWatermark(Number.POSITIVE_INFINITY);
  const lines = (await driver.readRecords(settled)).map(
    ({ key, value, timestampMs }) => `${key} ${value.order} ${value.name} ${value.missing} ${timestampMs / minute(1)}`,
  );
  // The payment of minute 14 was more than five minutes before its order.
  expect(lines.sort()).toEqual(["a 1 Ann 100 30", "a 1 Anna 400 60", "b 2 unknown 100 20"]);
});
