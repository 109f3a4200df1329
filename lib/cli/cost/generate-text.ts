/** Lines of made-up words, of which some are as frequent as in real text: the same for the same number. */

const WORDS = 1_000;
const WORDS_PER_LINE = 12;
const SYLLABLES = ["ba", "do", "ki", "lu", "me", "no", "ra", "si", "te", "vu"];

/** Line `n`. */
export function generateText(n: number): string {
  let state = (n + 1) * 2_654_435_761;
  const words: string[] = [];
  for (let i = 0; i < WORDS_PER_LINE; i += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // As often as its rank says: the k-th word 1/k times as often as the first.
    words.push(wordOf(Math.floor(WORDS ** (state / 2 ** 32)) - 1));
  }
  return words.join(" ");
}

function wordOf(rank: number): string {
  return [...String(rank).padStart(3, "0")].map((digit) => SYLLABLES[Number(digit)]).join("");
}
