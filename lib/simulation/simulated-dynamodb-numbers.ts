/** DynamoDB's numbers: 38 decimal digits, exact. */

import { toValidationError } from "./simulated-aws-errors.ts";

/** ±0.digits · 10^exponent. Without a zero at either end of the digits, so that equal numbers look alike; zero has none. */
type Decimal = { readonly isNegative: boolean; readonly digits: string; readonly exponent: number };

const DIGITS_MAX = 38;
/** From 1E-130 to 9.99…E+125. */
const EXPONENT_MIN = -129;
const EXPONENT_MAX = 126;

/** Such a text is canonical, and its number is exact in JavaScript. */
const PLAIN_INTEGER = /^(0|-?[1-9]\d{0,14})$/;

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/** The one text of a number's value. Throws a ValidationException for what is no number of DynamoDB. */
export function toCanonicalNumber(text: string): string {
  return PLAIN_INTEGER.test(text) ? text : toText(parseDecimal(text));
}

/** Negative, zero or positive, for canonical texts. */
export function compareNumbers(a: string, b: string): number {
  if (a === b) return 0;
  if (PLAIN_INTEGER.test(a) && PLAIN_INTEGER.test(b)) return Number(a) - Number(b);
  const [x, y] = [parseDecimal(a), parseDecimal(b)];
  const [xSign, ySign] = [signOf(x), signOf(y)];
  if (xSign !== ySign) return xSign - ySign;
  if (x.exponent !== y.exponent) return (x.exponent - y.exponent) * xSign;
  return (x.digits < y.digits ? -1 : 1) * xSign;
}

/** The bytes that DynamoDB counts for a canonical number. */
export function numberBytesOf(text: string): number {
  let first = 0;
  let last = text.length - 1;
  // Zeros at either end count nothing, wherever the point is.
  while (first <= last && !isSignificant(text.charCodeAt(first))) first += 1;
  while (last > first && !isSignificant(text.charCodeAt(last))) last -= 1;
  let digits = last - first + 1;
  const point = text.indexOf(".", first);
  if (point !== -1 && point < last) digits -= 1;
  return Math.ceil(digits / 2) + 1 + (text.charCodeAt(0) === MINUS && digits > 0 ? 1 : 0);
}

const MINUS = 45;
const DIGIT_ONE = 49;

function isSignificant(code: number): boolean {
  return code >= DIGIT_ONE;
}

function parseDecimal(text: string): Decimal {
  const [, sign, whole = "", fraction = "", power = "0"] = NUMBER.exec(text) ?? [];
  if (sign === undefined || whole + fraction === "")
    throw toValidationError(`The parameter cannot be converted to a numeric value: ${text}`);
  const all = whole + fraction;
  const digits = all.replace(/^0+/, "").replace(/0+$/, "");
  if (digits === "") return { isNegative: false, digits: "", exponent: 0 };
  const exponent = whole.length + Number(power) - /^0*/.exec(all)![0].length;
  if (digits.length > DIGITS_MAX)
    throw toValidationError("Attempting to store more than 38 significant digits in a Number");
  if (exponent > EXPONENT_MAX)
    throw toValidationError("Number overflow. Attempting to store a number with magnitude larger than supported range");
  if (exponent < EXPONENT_MIN)
    throw toValidationError(
      "Number underflow. Attempting to store a number with magnitude smaller than supported range",
    );
  return { isNegative: sign === "-", digits, exponent };
}

function toText({ isNegative, digits, exponent }: Decimal): string {
  if (digits === "") return "0";
  const sign = isNegative ? "-" : "";
  if (exponent <= 0) return `${sign}0.${"0".repeat(-exponent)}${digits}`;
  if (exponent >= digits.length) return sign + digits + "0".repeat(exponent - digits.length);
  return `${sign}${digits.slice(0, exponent)}.${digits.slice(exponent)}`;
}

function signOf({ isNegative, digits }: Decimal): number {
  return digits === "" ? 0 : isNegative ? -1 : 1;
}
