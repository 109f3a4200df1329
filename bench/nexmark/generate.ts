/**
 * Nexmark's generator as a pure function of the event's number: anyone who generates the same numbers has the same events, in parts and in any order.
 *
 * Numbers, ids and distributions are those of nexmark/nexmark, which follows Apache Beam's: of fifty events one is a person, three are auctions and 46 are bids; half of the bids are
 * for the hot auction of the moment, three quarters of the auctions and bids come from hot people. The random numbers differ, as those of Nexmark come from a generator without a seed.
 * Bidders are people's ids here; Nexmark for Flink adds 1,000 to them twice, so that they are not.
 */

import { Draws } from "./draws.ts";
import { type Auction, type Bid, type NexmarkEvent, type Person, timeOf } from "./event.ts";

export type GeneratorOptions = {
  /** How far events are apart. Default 10,000 a second of event time. */
  readonly eventsPerSecond?: number;
  /** Events come mixed within groups of so many, which 953 must not divide. Default 1: in order. */
  readonly outOfOrderGroup?: number;
  /** Of event 0, epoch milliseconds. Default: noon of a day in 2025. */
  readonly startMs?: number;
};

/** One event as it is written to a topic. */
export type GeneratedEvent = {
  readonly json: string;
  readonly timestampMs: number;
  /** The id of the person or auction, or of the auction that the bid is for. */
  readonly key: string;
  readonly event: NexmarkEvent;
};

const EVENTS_PER_SECOND = 10_000;
const START_MS = Date.UTC(2025, 6, 15, 12);
const SHUFFLING_FACTOR = 953;

const PERSONS = 1;
const AUCTIONS = 3;
/** Of these there are one person, three auctions and 46 bids. */
const ROUND = 50;

const FIRST_ID = 1_000;
const FIRST_CATEGORY = 10;
const CATEGORIES = 5;
/** Ids so far ahead of those that there are may be named: then the two seem to have come in the other order. */
const ID_LEAD = 10;
const ACTIVE_PEOPLE = 1_000;
const AUCTIONS_IN_FLIGHT = 100;
/** Of so many ids one is hot: the first of them as auction and seller, the second as bidder. */
const HOT_EVERY = 100;
/** Of so many bids, auctions and bids all but one are for the hot auction, from the hot seller, from the hot bidder. */
const HOT_AUCTION_RATIO = 2;
const HOT_SELLER_RATIO = 4;
const HOT_BIDDER_RATIO = 4;

/** Bytes of which `extra` is what is missing. */
const PERSON_BYTES = 200;
const AUCTION_BYTES = 500;
const BID_BYTES = 100;

/** The events with the numbers from `from` to before `to`. Throws a RangeError for a group that cannot be mixed. */
export function* nexmarkEvents(from: number, to: number, options: GeneratorOptions = {}): Generator<GeneratedEvent> {
  for (let n = from; n < to; n += 1) {
    const event = nexmarkEvent(n, options);
    yield { json: JSON.stringify(event), timestampMs: timeOf(event), key: String(keyOf(event)), event };
  }
}

/** The event that comes as number `n`, from 0 on. Throws a RangeError for a group that cannot be mixed. */
export function nexmarkEvent(n: number, options: GeneratorOptions = {}): NexmarkEvent {
  const { eventsPerSecond = EVENTS_PER_SECOND, outOfOrderGroup = 1, startMs = START_MS } = options;
  const timeOfNumber = (number: number) => startMs + Math.floor((number * 1_000) / eventsPerSecond);
  const number = mix(n, outOfOrderGroup);
  const draws = new Draws(number ^ Math.floor(number / 2 ** 32));
  const place = number % ROUND;
  if (place < PERSONS) return { event_type: 0, person: drawPerson(number, draws, timeOfNumber(number)) };
  if (place < PERSONS + AUCTIONS) return { event_type: 1, auction: drawAuction(number, draws, timeOfNumber) };
  return { event_type: 2, bid: drawBid(number, draws, timeOfNumber(number)) };
}

/** Which of its group an event is: each comes once. */
function mix(n: number, group: number): number {
  if (!Number.isSafeInteger(group) || group < 1 || group % SHUFFLING_FACTOR === 0)
    throw new RangeError(`A group of ${group} events cannot be mixed: give a whole number that 953 does not divide.`);
  return n - (n % group) + ((n * SHUFFLING_FACTOR) % group);
}

function keyOf(event: NexmarkEvent): number {
  switch (event.event_type) {
    case 0:
      return event.person.id;
    case 1:
      return event.auction.id;
    case 2:
      return event.bid.auction;
  }
}

function drawPerson(number: number, draws: Draws, dateTime: number): Person {
  const named = {
    id: lastPerson(number) + FIRST_ID,
    name: draws.personName(),
    emailAddress: draws.email(),
    creditCard: draws.creditCard(),
    city: draws.city(),
    state: draws.state(),
  };
  const { name, emailAddress, creditCard, city, state } = named;
  const size = 8 + name.length + emailAddress.length + creditCard.length + city.length + state.length;
  return { ...named, dateTime, extra: draws.extra(size, PERSON_BYTES) };
}

function drawAuction(number: number, draws: Draws, timeOfNumber: (number: number) => number): Auction {
  const dateTime = timeOfNumber(number);
  const isHot = draws.below(HOT_SELLER_RATIO) > 0;
  const seller = isHot ? hot(lastPerson(number)) : drawPersonId(number, draws);
  const category = FIRST_CATEGORY + draws.below(CATEGORIES);
  const initialBid = draws.price();
  // On average until so many others were put up.
  const horizonMs = timeOfNumber(number + Math.floor((AUCTIONS_IN_FLIGHT * ROUND) / AUCTIONS)) - dateTime;
  const expires = dateTime + 1 + draws.below(Math.max(horizonMs * 2, 1));
  const itemName = draws.text(20);
  const description = draws.text(100);
  const reserve = initialBid + draws.price();
  const size = 8 + itemName.length + description.length + 5 * 8;
  return {
    id: lastAuction(number) + FIRST_ID,
    itemName,
    description,
    initialBid,
    reserve,
    dateTime,
    expires,
    seller: seller + FIRST_ID,
    category,
    extra: draws.extra(size, AUCTION_BYTES),
  };
}

function drawBid(number: number, draws: Draws, dateTime: number): Bid {
  const isForHot = draws.below(HOT_AUCTION_RATIO) > 0;
  const auction = isForHot ? hot(lastAuction(number)) : drawAuctionId(number, draws);
  const isFromHot = draws.below(HOT_BIDDER_RATIO) > 0;
  const bidder = isFromHot ? hot(lastPerson(number)) + 1 : drawPersonId(number, draws);
  return {
    auction: auction + FIRST_ID,
    bidder: bidder + FIRST_ID,
    price: draws.price(),
    ...draws.channel(),
    dateTime,
    extra: draws.extra(4 * 8, BID_BYTES),
  };
}

/** The person who came last, from 0 on: the event's own, if it is one. */
function lastPerson(number: number): number {
  return Math.floor(number / ROUND) * PERSONS + Math.min(number % ROUND, PERSONS - 1);
}

/** The auction that came last, from 0 on: the event's own, if it is one; −1 before the first. */
function lastAuction(number: number): number {
  return Math.floor(number / ROUND) * AUCTIONS + Math.min((number % ROUND) - PERSONS, AUCTIONS - 1);
}

function hot(last: number): number {
  return Math.floor(last / HOT_EVERY) * HOT_EVERY;
}

/** One of those who came last, or of those who will come next. */
function drawPersonId(number: number, draws: Draws): number {
  const people = lastPerson(number) + 1;
  const active = Math.min(people, ACTIVE_PEOPLE);
  return people - active + draws.below(active + ID_LEAD);
}

/** One of those that were put up last, or of those that will be next. */
function drawAuctionId(number: number, draws: Draws): number {
  const last = lastAuction(number);
  const first = Math.max(last - AUCTIONS_IN_FLIGHT, 0);
  return first + draws.below(last - first + 1 + ID_LEAD);
}
