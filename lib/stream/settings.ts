/** What code that calls the outside says it needs: settings and secrets by name, and how its client is opened from them. Nothing is read here. */

import { MillraceError } from "./error.ts";
import type { AuthorFunction } from "./node.ts";

/** A setting, by the name of its environment variable. Made by `setting`. */
export interface Setting {
  readonly kind: "setting";
  readonly name: string;
}

/** A secret, by its name in the store of secrets. Made by `secret`. */
export interface Secret {
  readonly kind: "secret";
  readonly name: string;
}

/** What is used, under names of the author's own: `{ api: setting("CUSTOMER_API"), key: secret("shop/customer-key") }`. */
export type Uses = Readonly<Record<string, Setting | Secret>>;

/** The values of what is used, under the same names. */
export type ValuesOf<U> = { readonly [Name in keyof U]: string };

/**
 * What is used, and what opens a client from its values; `open` takes the values as its only argument, and what it returns may be a promise. Its identity
 * is that of the client: an environment opens one for each.
 */
export type ClientSpec = { readonly uses: Uses; readonly open: AuthorFunction | undefined };

/** Longer names are refused by AWS. */
const SECRET_NAME_CHARACTERS_MAX = 512;

/**
 * Declares a setting: the environment variable `name` of the function. Where it runs it must be set, also if only to an empty text, before the function processes
 * anything. Throws a MillraceError "definition" for what Lambda does not take as the name of a variable: a letter, then letters, digits and `_`, two
 * characters at least.
 */
export function setting(name: string): Setting {
  if (typeof name !== "string" || !/^[A-Za-z][A-Za-z0-9_]+$/.test(name))
    throw new MillraceError(
      "definition",
      `setting() takes the name of an environment variable, such as "CUSTOMER_API", not ${JSON.stringify(name)}.`,
    );
  return { kind: "setting", name };
}

/**
 * Declares a secret: its name in AWS Secrets Manager, whose text is the value. On this machine it is the environment variable `MILLRACE_SECRET_` and the name, in capitals
 * and with `_` for all that is no letter or digit (`shop/customer-key`: `MILLRACE_SECRET_SHOP_CUSTOMER_KEY`), or else what `.millrace/secrets.json`
 * says of the name; `MILLRACE_SECRETS_FILE` names another file. An environment reads it once, and again where `open` threw. Throws a MillraceError
 * "definition" for what Secrets Manager does not take as a name.
 */
export function secret(name: string): Secret {
  if (typeof name !== "string" || !/^[\w/+=.@-]+$/.test(name) || name.length > SECRET_NAME_CHARACTERS_MAX)
    throw new MillraceError(
      "definition",
      `secret() takes the name of a secret, such as "shop/customer-key": letters, digits and /_+=.@-, not ${JSON.stringify(name)}.`,
    );
  return { kind: "secret", name };
}

/** What an author declared as `uses` and `open`. Throws a MillraceError "definition" in the name of `method` where it is something else. */
export function toClientSpec(
  method: string,
  { uses, open }: { readonly uses?: unknown; readonly open?: unknown },
): ClientSpec {
  const wrong = (sentence: string) => new MillraceError("definition", `${method}: ${sentence}`);
  if (open !== undefined && typeof open !== "function") throw wrong(`open is a function, not ${typeof open}.`);
  if (uses !== undefined && (typeof uses !== "object" || uses === null)) throw wrong("uses is an object.");
  for (const [name, use] of Object.entries(uses ?? {}))
    if (use?.kind !== "setting" && use?.kind !== "secret")
      throw wrong(
        `uses.${name} is setting("NAME") or secret("name")${typeof use === "string" ? ", not a text: what a secret says does not stand in the code" : ""}.`,
      );
  if (uses !== undefined && open === undefined) throw wrong("what it uses is given to open, and it has none.");
  return { uses: (uses ?? {}) as Uses, open: open as AuthorFunction | undefined };
}

/** Settings and secrets of several specifications, each once, by kind and name. */
export function usesOf(specs: readonly ClientSpec[]): readonly (Setting | Secret)[] {
  const found = new Map<string, Setting | Secret>();
  for (const { uses } of specs)
    for (const { kind, name } of Object.values(uses)) found.set(`${kind} ${name}`, { kind, name });
  return [...found.keys()].sort().map((key) => found.get(key) as Setting | Secret);
}
