/** Interval joins from topic to topic, rule by rule. */

import { at, boundedOutOfOrderness, json, milliseconds, operator, stream, testDriver, topic } from "millrace";
import { expect, test } from "vitest";

type Order = { readonly id: string; readonly n: number };
const watermark = boundedOutOfOrderness(milliseconds(0));
const orders = topic("orders", { value: json<Order>(), watermark, partitions: 2 });
const payments = topic("payments", { value: json<Order>(), watermark, partitions: 2 });
const out = topic("out", { value: json<string>() });

test("pairs", async () => {
  const joined = operator(
    "joined",
    stream(orders)
      .keyBy((o) => o.id)
      .intervalJoin(stream(payments).keyBy((p) => p.id))
      .between(milliseconds(-2), milliseconds(3))
      .map((left, right, { key, timestampMs }) => `${key} ${left.n} ${right.n} ${timestampMs}`)
      .to(out),
  );
  await using driver = await testDriver(joined);
  await driver.send(orders, at(10, { id: "a", n: 1 }));
  await driver.send(
    payments,
    at(7, { id: "a", n: 7 }),
    at(8, { id: "a", n: 8 }),
    at(13, { id: "a", n: 13 }),
    at(14, { id: "a", n: 14 }),
  );
  expect(await driver.read(out)).toEqual(["a 1 8 10", "a 1 13 13"]);
});
