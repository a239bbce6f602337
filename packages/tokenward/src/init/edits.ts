/** A change of a text: at an index, some characters are replaced. */
export interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

export function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = text;
  for (const { at, remove, insert } of edits.toSorted((one, other) => other.at - one.at)) result = result.slice(0, at) + insert + result.slice(at + remove);
  return result;
}

const CONTEXT = 2;

/** Returns the difference of two texts in the form of `diff -u`. It suits a few changed lines: it finds the first and the last of each run by a plain comparison. */
export function unifiedDiff(name: string, before: string, after: string): readonly string[] {
  const [old, changed] = [before, after].map((text) => text.split(/\r?\n/)) as [string[], string[]];
  const rows = rowsOf(old, changed);
  const isNear = rows.map((_row, at) => rows.slice(Math.max(0, at - CONTEXT), at + CONTEXT + 1).some(({ mark }) => mark !== ' '));
  const lines: string[] = [`--- ${name}`, `+++ ${name}`];
  for (const [at, { mark, text, line }] of rows.entries()) {
    if (!isNear[at]) continue;
    if (at === 0 || !isNear[at - 1]) lines.push(`@@ line ${line + 1} @@`);
    lines.push(`${mark}${text}`);
  }
  return lines;
}

interface Row {
  readonly mark: ' ' | '+' | '-';
  readonly text: string;
  readonly line: number;
}

/** Walks both texts. Where they differ, the nearest line that they share ends the difference. */
function rowsOf(old: readonly string[], changed: readonly string[]): readonly Row[] {
  const rows: Row[] = [];
  let [at, to] = [0, 0];
  while (at < old.length || to < changed.length) {
    if (at < old.length && old[at] === changed[to]) {
      rows.push({ mark: ' ', text: old[at]!, line: at });
      at++;
      to++;
      continue;
    }
    const next = at < old.length ? changed.indexOf(old[at]!, to) : -1;
    if (next >= 0 || at >= old.length) {
      for (const end = next >= 0 ? next : changed.length; to < end; to++) rows.push({ mark: '+', text: changed[to]!, line: at });
    } else {
      rows.push({ mark: '-', text: old[at]!, line: at });
      at++;
    }
  }
  return rows;
}
