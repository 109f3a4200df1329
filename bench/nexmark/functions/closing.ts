/** How auctions close, for the queries that ask who won: by the highest bid between an auction's beginning and its end, of as high ones the earliest. */

import {
  type HandlesOf,
  type ListState,
  listState,
  type ProcessCtx,
  type StateDeclaration,
  type TimerCtx,
  type ValueState,
  valueState,
} from "millrace";
import type { Auction, Bid } from "../event.ts";

/** What must be known of an auction. */
export type Lot = Pick<Auction, "id" | "dateTime" | "expires">;
/** What must be known of a bid. */
export type Offer = Pick<Bid, "auction" | "price" | "dateTime">;

/**
 * A process function of auctions and the bids for them, by the auction's id, that gives `{ lot, offer }` when the watermark says that no more bids can come for an auction that has
 * one. Bids may come before their auction; those for which none can come any more are forgotten.
 */
export function closing<L extends Lot, O extends Offer>() {
  const states = statesOf<L, O>();
  type States = typeof states;
  return {
    state: states,

    onLeft(lot: L, { state, timers }: ProcessCtx<number, States>): undefined {
      state.lot.set(lot);
      for (const offer of state.early.get()) consider(offer, lot, state);
      state.early.clear();
      timers.eventTime(lot.expires);
      return undefined;
    },

    onRight(offer: O, { state, timers }: ProcessCtx<number, States>): undefined {
      const lot = state.lot.get();
      if (lot !== undefined) consider(offer, lot, state);
      else {
        state.early.add(offer);
        timers.eventTime(offer.dateTime);
      }
      return undefined;
    },

    onTimer({ state, firedAtMs }: TimerCtx<number, States>): { lot: L; offer: O }[] {
      const lot = state.lot.get();
      if (lot === undefined) state.early.set(state.early.get().filter(({ dateTime }) => dateTime > firedAtMs));
      if (lot === undefined || firedAtMs < lot.expires) return [];
      const offer = state.best.get();
      state.lot.clear();
      state.best.clear();
      return offer === undefined ? [] : [{ lot, offer }];
    },
  };
}

/** The compiler knows of no type parameter whether it can be kept: whoever names the types sees to that. */
function statesOf<L, O>() {
  return {
    lot: valueState() as StateDeclaration<ValueState<L>>,
    best: valueState() as StateDeclaration<ValueState<O>>,
    early: listState() as StateDeclaration<ListState<O>>,
  };
}

function consider<O extends Offer>(
  offer: O,
  lot: Lot,
  { best }: Pick<HandlesOf<ReturnType<typeof statesOf<Lot, O>>>, "best">,
) {
  if (offer.dateTime < lot.dateTime || offer.dateTime > lot.expires) return;
  const other = best.get();
  const isBetter =
    other === undefined ||
    offer.price > other.price ||
    (offer.price === other.price && offer.dateTime < other.dateTime);
  if (isBetter) best.set(offer);
}
