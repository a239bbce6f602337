/**
 * Prints a warning, once per kind.
 *
 * @param kind fixed words. By default the text is its own kind, so a text that varies with requests or tokens needs one: with each new text it would be printed
 * again, and use up the limit for all others.
 */
export type Warn = (text: string, kind?: string) => void;

/** More than this package has. The rest is for error codes, which only the issuer can invent. */
const MAX_KINDS = 100;

/** @param print prints a text */
export function createWarn(print: (text: string) => void): Warn {
  const printed = new Set<string>();
  return (text, kind = text) => {
    if (printed.has(kind) || printed.size >= MAX_KINDS) return;
    printed.add(kind);
    print(text);
  };
}
