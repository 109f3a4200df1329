/** What a reference is: plain code that computes the results of a query from all events, with nothing of the engine. */

import type { Auction, Bid, NexmarkEvent, Person } from "../event.ts";

/** `clockMsOf`: what the clock said when an event was processed, by its index. */
export type Reference = (events: readonly NexmarkEvent[], clockMsOf: (index: number) => number) => readonly unknown[];

export function bidsOf(events: readonly NexmarkEvent[]): Bid[] {
  return events.flatMap((event) => (event.event_type === 2 ? [event.bid] : []));
}

export function auctionsOf(events: readonly NexmarkEvent[]): Auction[] {
  return events.flatMap((event) => (event.event_type === 1 ? [event.auction] : []));
}

export function peopleOf(events: readonly NexmarkEvent[]): Person[] {
  return events.flatMap((event) => (event.event_type === 0 ? [event.person] : []));
}

/** What is in a map, made where it is missing. */
export function getOrMake<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
