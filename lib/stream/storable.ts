/** What may cross a keyBy or live in state, as types that turn a mistake into a sentence. */

/** Appears in a type error where something is not allowed; the sentence says what and why. */
export type Mistake<Sentence extends string> = { readonly mistake: Sentence };

type Atom = string | number | boolean | null | undefined | bigint | Uint8Array;

type NotData =
  | Date
  | RegExp
  | Error
  | symbol
  | ArrayBufferLike
  | ArrayBufferView
  // biome-ignore-start lint/suspicious/noExplicitAny: only the kind of thing matters.
  | ReadonlyMap<any, any>
  | ReadonlySet<any>
  | WeakMap<any, any>
  | WeakSet<any>
  | PromiseLike<any>
  | ((...args: any) => any)
  | (abstract new (
      ...args: any
    ) => any);
// biome-ignore-end lint/suspicious/noExplicitAny: as above.

type Deeper = [never, 0, 1, 2, 3, 4];

/** The paths of what cannot be stored inside T, five levels deep; never if there is none. `unknown` and `any` are believed. */
export type Unstorable<T, Path extends string = "", Depth extends number = 5> = 0 extends 1 & T
  ? never
  : unknown extends T
    ? never
    : Depth extends 0
      ? never
      : T extends Atom
        ? never
        : T extends NotData
          ? Path extends ""
            ? "the element"
            : Path
          : T extends readonly (infer E)[]
            ? Unstorable<E, `${Path}[]`, Deeper[Depth] & number>
            : T extends object
              ? {
                  [P in keyof T & string]-?: Unstorable<T[P], `${Path}.${P}`, Deeper[Depth] & number>;
                }[keyof T & string]
              : never;

/** `unknown` if T may cross a keyBy, else a Mistake that names the path. */
export type Crossing<T> = [Unstorable<T>] extends [never]
  ? unknown
  : Mistake<`${Unstorable<T>} cannot cross a keyBy; use JSON values, bigint or Uint8Array (a date as epoch milliseconds)`>;

/** `unknown` if T may be kept in state, else a Mistake that names the path. */
export type Kept<T> = [Unstorable<T>] extends [never]
  ? unknown
  : Mistake<`${Unstorable<T>} cannot be kept in state; use JSON values, bigint or Uint8Array (a date as epoch milliseconds)`>;

/** `unknown` unless R is a promise: authors' functions are synchronous. */
export type NotAsync<R> = 0 extends 1 & R
  ? unknown
  : [Extract<R, PromiseLike<unknown>>] extends [never]
    ? unknown
    : Mistake<"this function must not be async: use mapAsync">;

/** `unknown` if O is what a flatMap may return, else a Mistake. */
export type Several<O> = 0 extends 1 & O
  ? unknown
  : [Extract<O, PromiseLike<unknown>>] extends [never]
    ? [Extract<O, string>] extends [never]
      ? [O] extends [Iterable<unknown>]
        ? unknown
        : Mistake<"return an array or another iterable, empty for nothing">
      : Mistake<"a string would become its characters: return it in an array">
    : Mistake<"this function must not be async: use mapAsync">;

/** The elements of what a flatMap returns. */
export type ElementOf<O> = O extends Iterable<infer R> ? R : never;
