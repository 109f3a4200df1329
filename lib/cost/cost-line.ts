/** A line of a bill: what, how much of it, for how much each. */

import { HOURS_PER_MONTH, type Price } from "./prices.ts";

export type CostLine = {
  readonly what: string;
  /** As the price counts: in millions, GB, hours. */
  readonly quantity: number;
  readonly dollarsEach: number;
  /** What one is, such as "million requests". */
  readonly per: string;
  readonly dollars: number;
};

/** `count` of what is counted in ones, such as requests and bytes. */
export function costLine(what: string, count: number, { dollars, per, size }: Price): CostLine {
  const quantity = count / size;
  return { what, quantity, dollarsEach: dollars, per, dollars: quantity * dollars };
}

/** A month of `count` things that are paid by the hour. */
export function monthOf(what: string, count: number, dollarsAnHour: number): CostLine {
  const quantity = count * HOURS_PER_MONTH;
  return { what, quantity, dollarsEach: dollarsAnHour, per: "hour", dollars: quantity * dollarsAnHour };
}

export function totalOf(lines: readonly CostLine[]): number {
  return lines.reduce((sum, { dollars }) => sum + dollars, 0);
}

/** `0.0041 million write units × $0.625 = $0.00256`. */
export function arithmetic({ quantity, per, dollarsEach, dollars }: CostLine): string {
  return `${showNumber(quantity)} ${pluralOf(per, quantity)} × $${showPrice(dollarsEach)} = ${showDollars(dollars)}`;
}

/** Dollars with as many digits as say something: cents from a dollar on, three figures below. */
export function showDollars(dollars: number): string {
  if (dollars === 0) return "$0";
  if (dollars >= 1_000) return `$${Math.round(dollars).toLocaleString("en")}`;
  return dollars >= 1 ? `$${dollars.toFixed(2)}` : `$${showNumber(dollars)}`;
}

/** Three figures, without an exponent. */
export function showNumber(value: number): string {
  if (value === 0) return "0";
  const digits = Math.floor(Math.log10(Math.abs(value)));
  if (digits >= 2) return Number(value.toFixed(digits >= 3 ? 0 : 1)).toLocaleString("en");
  return value.toFixed(Math.min(12, 2 - digits)).replace(/\.?0+$/, "");
}

/** As it is published. */
function showPrice(dollars: number): string {
  return dollars.toFixed(10).replace(/\.?0+$/, "");
}

function pluralOf(per: string, quantity: number): string {
  return /^(hour|GB-second|[a-z]+-month)$/.test(per) && quantity !== 1 ? `${per}s` : per;
}
