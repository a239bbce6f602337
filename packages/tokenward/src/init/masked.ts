/**
 * Returns a program's text with spaces in place of comments and of what is inside quotes, so that a pattern finds code only. The length and the line
 * breaks stay. It does not know regular expressions and nested templates: then more or less is masked, and a person sees the change before it is written.
 */
export function masked(text: string): string {
  return text.replace(TOKENS, (token) => {
    const blank = token.replaceAll(/[^\n\r]/g, ' ');
    return token.startsWith('/') ? blank : `${token[0]}${blank.slice(1, -1)}${token.at(-1)}`;
  });
}

const TOKENS = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`/g;

/** Returns the first match of a global pattern that begins in code. What it matches may be in quotes: the name of a package is. */
export function matchInCode(pattern: RegExp, text: string, code: string): RegExpExecArray | undefined {
  return [...text.matchAll(pattern)].find(({ index }) => code[index] === text[index]);
}

/** Returns the index after the bracket that closes the one at `open`; undefined if there is none. */
export function endOfBrackets(code: string, open: number): number | undefined {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    const character = code[at]!;
    if ('([{'.includes(character)) depth++;
    else if (')]}'.includes(character) && --depth === 0) return at + 1;
  }
  return undefined;
}
