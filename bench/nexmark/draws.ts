/** What Nexmark draws by chance, from one source of random numbers per event: prices, names, texts of a wanted length, channels. */

import { createRandom, type Random } from "../../lib/simulation/random.ts";

const STRING_LENGTH_MIN = 3;
const LETTERS = "abcdefghijklmnopqrstuvwxyz";
/** One of so many letters is the special one. */
const SPECIAL_OF = 13;
/** Long texts are pieces of this one: drawing each letter would take longer than everything else. */
const POOL_LENGTH = 65_536;
const CHANNELS = 10_000;
const HOT_CHANNELS = ["Google", "Facebook", "Baidu", "Apple"];

const FIRST_NAMES = ["Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"];
const LAST_NAMES = ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];
const CITIES = [
  "Phoenix",
  "Los Angeles",
  "San Francisco",
  "Boise",
  "Portland",
  "Bend",
  "Redmond",
  "Seattle",
  "Kent",
  "Cheyenne",
];
const STATES = ["AZ", "CA", "ID", "OR", "WA", "WY"];

/** Where the fixed texts come from, apart from all events. */
const POOL_SEED = -1;
const CHANNEL_SEED = -2;

export class Draws {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = createRandom(seed);
  }

  /** From 0 to n − 1. */
  below(n: number): number {
    return Math.floor(this.#random() * n);
  }

  /** From 100 to 100,000,000 cents, each order of magnitude as often as the others. */
  price(): number {
    return Math.round(10 ** (this.#random() * 6) * 100);
  }

  /** 3 to `lengthMax` − 1 letters with a special one here and there, which is not kept at the ends if it is a space. */
  text(lengthMax: number, special = " "): string {
    let text = "";
    for (let left = STRING_LENGTH_MIN + this.below(lengthMax - STRING_LENGTH_MIN); left > 0; left -= 1)
      text += this.below(SPECIAL_OF) === 0 ? special : LETTERS[this.below(LETTERS.length)];
    return text.trim();
  }

  /** A text with which something that has `size` characters has `average` of them on average, up to a fifth of the text more or less. */
  extra(size: number, average: number): string {
    const wanted = average - size;
    if (wanted < 0) return "";
    const delta = Math.round(wanted * 0.2);
    const length = wanted - delta + (delta === 0 ? 0 : this.below(2 * delta));
    const from = this.below(POOL_LENGTH - length);
    return pool().slice(from, from + length);
  }

  personName(): string {
    return `${this.#one(FIRST_NAMES)} ${this.#one(LAST_NAMES)}`;
  }

  email(): string {
    return `${this.text(7)}@${this.text(5)}.com`;
  }

  creditCard(): string {
    return Array.from({ length: 4 }, () => String(this.below(10_000)).padStart(4, "0")).join(" ");
  }

  city(): string {
    return this.#one(CITIES);
  }

  state(): string {
    return this.#one(STATES);
  }

  /** One of four channels, or as often one of ten thousand, with the address that is the channel's. */
  channel(): { readonly channel: string; readonly url: string } {
    return this.below(2) > 0 ? channelOf(CHANNELS + this.below(HOT_CHANNELS.length)) : channelOf(this.below(CHANNELS));
  }

  #one(of: readonly string[]): string {
    return of[this.below(of.length)] as string;
  }
}

let letters: string | undefined;

function pool(): string {
  if (letters === undefined) {
    const random = createRandom(POOL_SEED);
    letters = Array.from({ length: POOL_LENGTH }, () => LETTERS[Math.floor(random() * LETTERS.length)]).join("");
  }
  return letters;
}

const channels: { readonly channel: string; readonly url: string }[] = [];

/** A channel by its number; the last ones are the hot ones. */
function channelOf(number: number) {
  let channel = channels[number];
  if (channel === undefined) {
    const draws = new Draws(CHANNEL_SEED - number);
    const path = [5, 5, 5].map((length) => draws.text(length, "_")).join("/");
    const url = `https://www.nexmark.com/${path}/item.htm?query=1`;
    const hot = HOT_CHANNELS[number - CHANNELS];
    const hasId = hot === undefined && draws.below(10) > 0;
    channel = {
      channel: hot ?? `channel-${number}`,
      url: hasId ? `${url}&channel_id=${Math.imul(number, 0x9e3779b1) >>> 1}` : url,
    };
    channels[number] = channel;
  }
  return channel;
}
