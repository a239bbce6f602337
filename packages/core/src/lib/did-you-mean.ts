/** Returns `: did you mean X?` for a known name that differs by a few typing errors, or an empty text. */
export function didYouMean(name: string, known: readonly string[]): string {
  if (typeof name !== 'string') return '';
  const maxEdits = name.length < 5 ? 1 : name.length < 12 ? 2 : 3;
  let nearest: string | undefined;
  let fewest = maxEdits + 1;
  for (const one of known) {
    const edits = name.length > MAX_COMPARED_LENGTH ? fewest : editsBetween(name.toLowerCase(), one.toLowerCase());
    if (edits < fewest) [nearest, fewest] = [one, edits];
  }
  return nearest === undefined ? '' : `: did you mean ${nearest}?`;
}

const MAX_COMPARED_LENGTH = 100;

/** Counts the letters to add, drop or replace, and the neighbours to swap (Damerau-Levenshtein distance). */
function editsBetween(one: string, other: string): number {
  let before: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let row = 1; row <= one.length; row++) {
    const next = [row];
    for (let at = 1; at <= other.length; at++) {
      const isSame = one[row - 1] === other[at - 1];
      const isSwapped = row > 1 && at > 1 && one[row - 1] === other[at - 2] && one[row - 2] === other[at - 1];
      next[at] = Math.min(last[at]! + 1, next[at - 1]! + 1, last[at - 1]! + (isSame ? 0 : 1), isSwapped ? before[at - 2]! + 1 : Infinity);
    }
    [before, last] = [last, next];
  }
  return last[other.length]!;
}
