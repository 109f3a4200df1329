/** The example of docs/operators.md: carts of which nothing came. */

import { at, boundedOutOfOrderness, json, minutes, operator, seconds, stream, testDriver, topic } from "millrace";
import { expect, test } from "vitest";

type Visit = { readonly visitor: string; readonly kind: "view" | "cart" | "order"; readonly item: string };

const visits = topic("visits", { value: json<Visit>(), watermark: boundedOutOfOrderness(seconds(5)) });
const abandoned = topic("abandoned", { value: json<{ visitor: string; item: string }>() });

const handler = operator(
  "abandoned-carts",
  stream(visits)
    .keyBy(({ visitor }) => visitor)
    .pattern((p) =>
      p
        .begin("view", (visit) => visit.kind === "view")
        .followedBy("cart", (visit, { view }) => visit.kind === "cart" && visit.item === view.item)
        .notFollowedBy("order", (visit, { cart }) => visit.kind === "order" && visit.item === cart.item)
        .within(minutes(30)),
    )
    .select(({ cart }, { key }) => ({ visitor: key, item: cart.item }))
    .to(abandoned),
);

test("a cart without an order is reported when its half hour is over, and no other", async () => {
  await using driver = await testDriver(handler, { partitions: "declared" });
  const visit = (minute: number, visitor: string, kind: Visit["kind"], item: string) =>
    at(minutes(minute), { visitor, kind, item });
  await driver.send(
    visits,
    visit(0, "ann", "view", "hat"),
    visit(1, "ben", "view", "hat"),
    visit(9, "ben", "order", "hat"),
    visit(3, "ann", "cart", "hat"),
    visit(4, "ann", "view", "cap"),
    visit(5, "ben", "cart", "hat"),
    visit(6, "ann", "cart", "cap"),
    visit(7, "ann", "order", "hat"),
  );
  await driver.advanceWatermark(minutes(34) - 1);
  expect(await driver.read(abandoned)).toEqual([]);
  await driver.advanceWatermark(minutes(34));
  expect(await driver.readRecords(abandoned)).toMatchObject([
    { value: { visitor: "ann", item: "cap" }, timestampMs: minutes(34) },
  ]);
});
