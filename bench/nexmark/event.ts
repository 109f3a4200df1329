/** What happens at Nexmark's online auction: people appear, put things up for auction, and bid. Fields have Nexmark's names; times are epoch milliseconds, prices cents. */

export type Person = {
  readonly id: number;
  readonly name: string;
  readonly emailAddress: string;
  readonly creditCard: string;
  readonly city: string;
  readonly state: string;
  readonly dateTime: number;
  readonly extra: string;
};

export type Auction = {
  readonly id: number;
  readonly itemName: string;
  readonly description: string;
  readonly initialBid: number;
  readonly reserve: number;
  readonly dateTime: number;
  /** Bids until then count, those at this millisecond too. */
  readonly expires: number;
  /** A person. */
  readonly seller: number;
  /** 10 to 14. */
  readonly category: number;
  readonly extra: string;
};

export type Bid = {
  readonly auction: number;
  /** A person. */
  readonly bidder: number;
  readonly price: number;
  readonly channel: string;
  readonly url: string;
  readonly dateTime: number;
  readonly extra: string;
};

/** One record of the topic, in the form in which Nexmark for Flink writes it to Kafka; what an event is not is left out. */
export type NexmarkEvent =
  | { readonly event_type: 0; readonly person: Person }
  | { readonly event_type: 1; readonly auction: Auction }
  | { readonly event_type: 2; readonly bid: Bid };

/** The event's own time. */
export function timeOf(event: NexmarkEvent): number {
  switch (event.event_type) {
    case 0:
      return event.person.dateTime;
    case 1:
      return event.auction.dateTime;
    case 2:
      return event.bid.dateTime;
  }
}
