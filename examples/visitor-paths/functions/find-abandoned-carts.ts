/** A pattern: something is viewed, put into the cart, and not ordered within half an hour. */

import { minutes, operator, stream } from "millrace";
import { abandonedCarts, clicks, lateClicks } from "./topics.ts";

export const handler = operator(
  "find-abandoned-carts",
  stream(clicks)
    .keyBy((click) => click.visitor)
    .pattern((p) =>
      p
        .begin("view", (click) => click.kind === "view")
        .followedBy("cart", (click, { view }) => click.kind === "cart" && click.item === view.item)
        .notFollowedBy("order", (click, { cart }) => click.kind === "order" && click.item === cart.item)
        .within(minutes(30)),
    )
    .lateTo(lateClicks)
    .select(({ view, cart }, { key }) => ({ visitor: key, item: cart.item, viewedAt: view.at, cartAt: cart.at }))
    .to(abandonedCarts),
);
