/** Nexmark's events: the same for the same numbers, in the proportions and distributions that its queries count on. */

import { expect, test } from "vitest";
import type { Auction, Bid, NexmarkEvent, Person } from "../../bench/nexmark/event.ts";
import { timeOf } from "../../bench/nexmark/event.ts";
import { nexmarkEvent, nexmarkEvents } from "../../bench/nexmark/generate.ts";

const EVENTS = 50_000;
const events = Array.from({ length: EVENTS }, (_, n) => nexmarkEvent(n));
const people = events.flatMap((event): Person[] => (event.event_type === 0 ? [event.person] : []));
const auctions = events.flatMap((event): Auction[] => (event.event_type === 1 ? [event.auction] : []));
const bids = events.flatMap((event): Bid[] => (event.event_type === 2 ? [event.bid] : []));

const share = <T>(of: readonly T[], is: (value: T) => boolean) => of.filter(is).length / of.length;
const mean = (of: readonly number[]) => of.reduce((sum, n) => sum + n, 0) / of.length;

test("an event follows from its number alone", () => {
  expect([...nexmarkEvents(40_000, 40_100)].map(({ event }) => event)).toEqual(events.slice(40_000, 40_100));
  expect(nexmarkEvent(2 ** 33 + 7)).not.toEqual(nexmarkEvent(7));
});

test("comes as JSON with its time and key", () => {
  const [person, auction, , , bid] = [...nexmarkEvents(0, 5)];
  for (const [n, { json, timestampMs }] of [...nexmarkEvents(0, 5)].entries()) {
    expect(JSON.parse(json)).toEqual(nexmarkEvent(n));
    expect(timestampMs).toBe(timeOf(events[n] as NexmarkEvent));
  }
  expect(person?.key).toBe("1000");
  expect(auction?.key).toBe("1000");
  expect(bid?.key).toBe(String(bids[0]?.auction));
});

test("of fifty events one is a person, three are auctions, 46 are bids, whose ids count up from 1,000", () => {
  expect([people.length, auctions.length, bids.length]).toEqual([EVENTS / 50, (EVENTS * 3) / 50, (EVENTS * 46) / 50]);
  expect(people.map(({ id }) => id)).toEqual(people.map((_, i) => 1_000 + i));
  expect(auctions.map(({ id }) => id)).toEqual(auctions.map((_, i) => 1_000 + i));
});

test("hot auctions, sellers and bidders have their share", () => {
  expect(share(bids, ({ auction }) => auction % 100 === 0)).toBeCloseTo(0.5 + 0.5 / 100, 1);
  expect(share(bids, ({ bidder }) => bidder % 100 === 1)).toBeCloseTo(0.75, 1);
  expect(share(auctions, ({ seller }) => seller % 100 === 0)).toBeCloseTo(0.75, 1);
});

test("bids are for auctions of the last hundred, and those to come", () => {
  let last = 999;
  for (const event of events) {
    if (event.event_type === 1) last = event.auction.id;
    if (event.event_type !== 2 || event.bid.auction % 100 === 0) continue;
    expect(event.bid.auction).toBeGreaterThanOrEqual(last - 100);
    expect(event.bid.auction).toBeLessThanOrEqual(last + 10);
  }
});

test("prices are spread over six orders of magnitude, categories evenly", () => {
  const logs = bids.map(({ price }) => Math.log10(price));
  expect(Math.min(...logs)).toBeGreaterThanOrEqual(2);
  expect(Math.max(...logs)).toBeLessThanOrEqual(8);
  expect(mean(logs)).toBeCloseTo(5, 1);
  for (const category of [10, 11, 12, 13, 14])
    expect(share(auctions, (auction) => auction.category === category)).toBeCloseTo(0.2, 1);
});

test("auctions are open for as long as it takes to put up a hundred others, on average", () => {
  expect(mean(auctions.map(({ dateTime, expires }) => expires - dateTime))).toBeGreaterThan(160);
  expect(mean(auctions.map(({ dateTime, expires }) => expires - dateTime))).toBeLessThan(175);
});

test("half of the bids come by four channels, and nine of ten others say their number in the address", () => {
  const hot = ["Google", "Facebook", "Baidu", "Apple"];
  expect(share(bids, ({ channel }) => hot.includes(channel))).toBeCloseTo(0.5, 1);
  const others = bids.filter(({ channel }) => channel.startsWith("channel-"));
  expect(share(others, ({ url }) => /&channel_id=\d+$/.test(url))).toBeCloseTo(0.9, 1);
  expect(new Set(bids.map(({ channel, url }) => channel + url)).size).toBe(
    new Set(bids.map(({ channel }) => channel)).size,
  );
});

test("texts fill a bid up to 100 characters, a person to 200, an auction to 500", () => {
  expect(mean(bids.map(({ extra }) => 32 + extra.length))).toBeCloseTo(100, -1);
  const lengthOf = (person: Person) => 8 + Object.values(person).join("").length - String(person.dateTime).length - 4;
  expect(mean(people.map(lengthOf))).toBeCloseTo(200, -1);
  expect(
    mean(auctions.map((auction) => 48 + (auction.itemName + auction.description + auction.extra).length)),
  ).toBeCloseTo(500, -1);
});

test("ten thousand a second of event time, in order, unless it is told otherwise", () => {
  const times = events.map(timeOf);
  expect(times).toEqual(events.map((_, n) => Date.UTC(2025, 6, 15, 12) + Math.floor(n / 10)));
  expect(timeOf(nexmarkEvent(10, { eventsPerSecond: 1, startMs: 0 }))).toBe(10_000);
});

test("groups come mixed, each event once", () => {
  const mixed = Array.from({ length: 3_000 }, (_, n) => nexmarkEvent(n, { outOfOrderGroup: 1_000 }));
  expect(mixed.slice(0, 1_000)).not.toEqual(events.slice(0, 1_000));
  const sorted = (some: readonly NexmarkEvent[]) => some.map((event) => JSON.stringify(event)).sort();
  for (const from of [0, 1_000, 2_000]) expect(sorted(mixed.slice(from, from + 1_000)).length).toBe(1_000);
  expect(new Set(mixed.map((event) => JSON.stringify(event))).size).toBe(3_000);
  expect(mixed.slice(0, 1_000).map(timeOf).sort()).toEqual(events.slice(0, 1_000).map(timeOf).sort());
  expect(() => nexmarkEvent(0, { outOfOrderGroup: 953 })).toThrow(RangeError);
});
