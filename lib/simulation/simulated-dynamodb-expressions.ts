/**
 * DynamoDB's expressions, as far as Millrace uses them: read once for each text, then evaluated on items.
 *
 *     condition   := and { OR and }
 *     and         := not { AND not }
 *     not         := NOT not | "(" condition ")" | function "(" name ")" | operand comparator operand
 *     function    := attribute_exists | attribute_not_exists
 *     comparator  := "=" | "<>" | "<" | "<=" | ">" | ">="
 *     operand     := name | value          name := "#…"          value := ":…"
 *     projection  := name { "," name }
 *     update      := SET name "=" value { "," name "=" value }
 *
 * Everything else throws, what DynamoDB knows besides included: attributes by their bare names, paths, BETWEEN, IN, other functions, arithmetic.
 */

import type { Item } from "../state-log/dynamodb-items.ts";
import { NotSimulatedError, toValidationError } from "./simulated-aws-errors.ts";
import { areEqual, compareValues, kindOf, type Value } from "./simulated-dynamodb-values.ts";

export type Comparator = "=" | "<>" | "<" | "<=" | ">" | ">=";

/** A name "#…" or a value ":…". */
export type Operand = string;

export type Condition =
  | { readonly kind: "and" | "or"; readonly left: Condition; readonly right: Condition }
  | { readonly kind: "not"; readonly inner: Condition }
  | { readonly kind: "exists" | "not-exists"; readonly name: string }
  | { readonly kind: "compare"; readonly comparator: Comparator; readonly left: Operand; readonly right: Operand };

/** What was read from a text, and which names and values it speaks of. */
export type Expression<T> = { readonly root: T; readonly uses: readonly string[] };

/** What the names and values of an expression stand for. */
export type Scope = {
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, Value>>;
};

export type Assignment = { readonly name: string; readonly value: string };

const TOKEN = /\s*(?:([#:][A-Za-z0-9_]+)|([A-Za-z_][A-Za-z0-9_]*)|(<=|>=|<>|[=<>(),]))/y;
const COMPARATORS: readonly string[] = ["=", "<>", "<", "<=", ">", ">="] satisfies Comparator[];

/** What stands before a text in an error of DynamoDB. */
type Place = "ConditionExpression" | "KeyConditionExpression" | "ProjectionExpression" | "UpdateExpression";

export const readCondition = cached("ConditionExpression", parseCondition);
export const readKeyCondition = cached("KeyConditionExpression", parseCondition);
export const readProjection = cached("ProjectionExpression", (tokens) => parseList(tokens, parseName));
export const readUpdate = cached("UpdateExpression", (tokens): readonly Assignment[] => {
  const word = tokens.take();
  if (word.toUpperCase() !== "SET") throw new NotSimulatedError(`updates that begin with ${word}`);
  return parseList(tokens, () => {
    const name = parseName(tokens);
    tokens.expect("=");
    const value = tokens.take();
    if (!value.startsWith(":")) throw new NotSimulatedError(`updates to something else than a value: ${value}`);
    return { name, value };
  });
});

/** Whether an item, or the absence of one, meets a condition. */
export function meets(condition: Condition, item: Readonly<Item> | undefined, scope: Scope): boolean {
  switch (condition.kind) {
    case "and":
      return meets(condition.left, item, scope) && meets(condition.right, item, scope);
    case "or":
      return meets(condition.left, item, scope) || meets(condition.right, item, scope);
    case "not":
      return !meets(condition.inner, item, scope);
    case "exists":
      return item?.[nameOf(condition.name, scope)] !== undefined;
    case "not-exists":
      return item?.[nameOf(condition.name, scope)] === undefined;
    case "compare": {
      const left = operandOf(condition.left, item, scope);
      const right = operandOf(condition.right, item, scope);
      return compares(condition.comparator, left, right);
    }
    default:
      return condition satisfies never;
  }
}

/** Whether a value stands in this relation to another. */
export function compares(comparator: Comparator, left: Value | undefined, right: Value | undefined): boolean {
  if (left === undefined || right === undefined) return comparator === "<>";
  if (comparator === "=") return areEqual(left, right);
  if (comparator === "<>") return !areEqual(left, right);
  const order = compareValues(left, right);
  if (order === undefined) return false;
  switch (comparator) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    default:
      return comparator satisfies never;
  }
}

/** Throws unless every name and value that the expressions speak of is given, and every one that is given is spoken of. */
export function checkScope(
  expressions: readonly Expression<unknown>[],
  names: Readonly<Record<string, string>> | undefined,
  values: Readonly<Record<string, Value>> | undefined,
): void {
  let used = 0;
  for (const { uses } of expressions) {
    for (const use of uses) {
      if ((use.startsWith("#") ? names : values)?.[use] !== undefined) continue;
      throw toValidationError(`Invalid expression: something that it uses is not defined; it is: ${use}`);
    }
    used += uses.length;
  }
  checkUsed("ExpressionAttributeNames", names, expressions, used);
  checkUsed("ExpressionAttributeValues", values, expressions, used);
}

function checkUsed(
  field: string,
  given: Readonly<Record<string, unknown>> | undefined,
  expressions: readonly Expression<unknown>[],
  used: number,
): void {
  if (given === undefined) return;
  let isEmpty = true;
  for (const name in given) {
    isEmpty = false;
    if (!expressions.some(({ uses }) => uses.includes(name)))
      throw toValidationError(`Value provided in ${field} unused in expressions: keys: {${name}}`);
  }
  if (isEmpty)
    throw toValidationError(`${field} ${used === 0 ? "can only be given with expressions" : "must not be empty"}`);
}

/** Throws for what is compared with itself, and where an order is asked of truth values. */
export function checkOperands(condition: Condition, scope: Scope): void {
  switch (condition.kind) {
    case "and":
    case "or":
      checkOperands(condition.left, scope);
      checkOperands(condition.right, scope);
      return;
    case "not":
      checkOperands(condition.inner, scope);
      return;
    case "compare": {
      const { comparator, left, right } = condition;
      const leftName = scope.names[left];
      if (leftName !== undefined && leftName === scope.names[right])
        throw toValidationError(
          `Invalid ConditionExpression: The first operand must be distinct from the remaining operands for this operator or function; operator: ${comparator}, first operand: [${leftName}]`,
        );
      if (comparator === "=" || comparator === "<>") return;
      for (const operand of [left, right]) {
        const value = scope.values[operand];
        if (value !== undefined && kindOf(value) === "BOOL")
          throw toValidationError(
            `Invalid ConditionExpression: Incorrect operand type for operator or function; operator: ${comparator}, operand type: BOOL`,
          );
      }
      return;
    }
    case "exists":
    case "not-exists":
      return;
    default:
      condition satisfies never;
  }
}

/** What the names stand for, each another attribute. */
export function namesOf(names: readonly string[], scope: Scope): readonly string[] {
  const attributes = names.map((name) => nameOf(name, scope));
  if (new Set(attributes).size < attributes.length)
    throw toValidationError("Two document paths overlap with each other; must remove or rewrite one of these paths");
  return attributes;
}

export function nameOf(name: string, { names }: Scope): string {
  return names[name] as string;
}

function operandOf(operand: Operand, item: Readonly<Item> | undefined, scope: Scope): Value | undefined {
  return operand.startsWith(":") ? scope.values[operand] : item?.[nameOf(operand, scope)];
}

function parseCondition(tokens: Tokens): Condition {
  let left = parseAnd(tokens);
  while (tokens.takeWord("OR")) left = { kind: "or", left, right: parseAnd(tokens) };
  return left;
}

function parseAnd(tokens: Tokens): Condition {
  let left = parseNot(tokens);
  while (tokens.takeWord("AND")) left = { kind: "and", left, right: parseNot(tokens) };
  return left;
}

function parseNot(tokens: Tokens): Condition {
  if (tokens.takeWord("NOT")) return { kind: "not", inner: parseNot(tokens) };
  const token = tokens.take();
  if (token === "(") {
    const inner = parseCondition(tokens);
    if (tokens.enclosed.has(inner)) throw tokens.toError("The expression has redundant parentheses");
    tokens.enclosed.add(inner);
    tokens.expect(")");
    return inner;
  }
  if (token === "attribute_exists" || token === "attribute_not_exists") {
    tokens.expect("(");
    const name = parseName(tokens);
    tokens.expect(")");
    return { kind: token === "attribute_exists" ? "exists" : "not-exists", name };
  }
  const left = asOperand(token, tokens);
  const comparator = tokens.take();
  if (comparator === ")") throw new NotSimulatedError("operands in parentheses");
  if (!COMPARATORS.includes(comparator)) throw tokens.toSyntaxError(comparator);
  const right = asOperand(tokens.take(), tokens);
  return { kind: "compare", comparator: comparator as Comparator, left, right };
}

function parseList<T>(tokens: Tokens, parse: (tokens: Tokens) => T): readonly T[] {
  const list = [parse(tokens)];
  while (tokens.peek() === ",") {
    tokens.take();
    list.push(parse(tokens));
  }
  return list;
}

function parseName(tokens: Tokens): string {
  const token = tokens.take();
  if (!token.startsWith("#")) throw tokens.toSyntaxError(token);
  return token;
}

function asOperand(token: string, tokens: Tokens): Operand {
  if (token.startsWith("#") || token.startsWith(":")) return token;
  if (token === "(") throw new NotSimulatedError("operands in parentheses");
  throw tokens.toSyntaxError(token);
}

/** The words and signs of a text, one after the other. */
class Tokens {
  /** What stood in parentheses. */
  readonly enclosed = new Set<unknown>();
  readonly #place: Place;
  readonly #tokens: string[] = [];
  #next = 0;

  constructor(place: Place, text: string) {
    this.#place = place;
    TOKEN.lastIndex = 0;
    const end = text.trimEnd().length;
    for (let at = 0; at < end; at = TOKEN.lastIndex) {
      const match = TOKEN.exec(text);
      if (match === null) throw new NotSimulatedError(`${place} from here on: ${text.slice(at)}`);
      this.#tokens.push((match[1] ?? match[2] ?? match[3]) as string);
    }
  }

  get uses(): readonly string[] {
    return [...new Set(this.#tokens.filter((token) => token.startsWith("#") || token.startsWith(":")))];
  }

  peek(): string | undefined {
    return this.#tokens[this.#next];
  }

  take(): string {
    const token = this.#tokens[this.#next];
    if (token === undefined) throw this.toError("Syntax error; the expression ends too early");
    this.#next += 1;
    return token;
  }

  takeWord(word: string): boolean {
    if (this.peek()?.toUpperCase() !== word) return false;
    this.#next += 1;
    return true;
  }

  expect(token: string): void {
    const found = this.take();
    if (found !== token) throw this.toSyntaxError(found);
  }

  expectEnd(): void {
    const left = this.peek();
    if (left !== undefined) throw this.toSyntaxError(left);
  }

  /** A word where none may stand is one that DynamoDB may know: a bare name, a function, an operator. */
  toSyntaxError(token: string): Error {
    if (/^[A-Za-z_]/.test(token)) return new NotSimulatedError(`"${token}" in a ${this.#place}`);
    return this.toError(`Syntax error; token: "${token}"`);
  }

  toError(what: string): Error {
    return toValidationError(`Invalid ${this.#place}: ${what}`);
  }
}

/** Texts are written in code, so there are few of them. */
const EXPRESSIONS_MAX = 1_000;

function cached<T>(place: Place, parse: (tokens: Tokens) => T): (text: string) => Expression<T> {
  const expressions = new Map<string, Expression<T>>();
  return (text) => {
    const known = expressions.get(text);
    if (known !== undefined) return known;
    const tokens = new Tokens(place, text);
    const root = parse(tokens);
    tokens.expectEnd();
    const expression = { root, uses: tokens.uses };
    if (expressions.size < EXPRESSIONS_MAX) expressions.set(text, expression);
    return expression;
  };
}
