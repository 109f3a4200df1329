/** Risk control: a set of rules that every task knows, limits per session of a card, and an alert as soon as a payment breaks one. */

import { hours, minutes, operator, stream, table, valueState } from "millrace";
import { alerts, type CardPayment, cardPayments, type Rule, riskRules } from "./topics.ts";

/** A session of a card is over when nothing is paid with it for so long. */
const SESSION_GAP = minutes(30);

type Session = {
  readonly payments: number;
  readonly cents: number;
  readonly lastMs: number;
  /** Rules that it has broken: one alert of each is enough. */
  readonly broken: readonly string[];
};

export const handler = operator(
  "check-payments",
  stream(cardPayments)
    .keyBy((payment) => payment.card)
    .connect(table(riskRules).broadcast())
    .process(
      {
        state: { session: valueState<Session>({ ttl: hours(24) }) },
        onElement(payment, { state, broadcastState, timestampMs }) {
          const session = addTo(state.session.get(), payment, timestampMs);
          const broken = broadcastState
            .entries()
            .map(([rule, { of, most }]) => ({ rule, most, reached: measure(of, payment, session) }))
            .filter(({ rule, most, reached }) => reached > most && !session.broken.includes(rule));
          state.session.set({ ...session, broken: [...session.broken, ...broken.map(({ rule }) => rule)] });
          return broken.map((each) => ({ card: payment.card, payment: payment.id, ...each }));
        },
      },
      { name: "sessions" },
    )
    .to(alerts),
);

/** The card's session with a payment more: a new one where the last is over. */
function addTo(session: Session | undefined, { cents }: CardPayment, atMs: number): Session {
  if (session === undefined || atMs - session.lastMs > SESSION_GAP)
    return { payments: 1, cents, lastMs: atMs, broken: [] };
  return {
    payments: session.payments + 1,
    cents: session.cents + cents,
    lastMs: Math.max(session.lastMs, atMs),
    broken: session.broken,
  };
}

function measure(of: Rule["of"], payment: CardPayment, session: Session): number {
  switch (of) {
    case "payment-cents":
      return payment.cents;
    case "session-cents":
      return session.cents;
    case "session-payments":
      return session.payments;
  }
}
