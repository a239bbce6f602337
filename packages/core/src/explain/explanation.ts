import { printable } from '../lib/url.js';
import type { Reason } from '../vocabulary/reason.js';
import { causeText } from './cause-text.js';
import { resolved, shownExpected, shownFound } from './shown-values.js';
import { TEXTS } from './texts.js';

/**
 * Why a request was refused, for the people who run the API: never sent to clients. It holds no token and no claim that is not named here: `iss`,
 * `aud`, dates, `kid`, `alg`, `typ`, scopes, roles and clients are shown, bounded and printable; of everything else only its type.
 */
export interface Explanation {
  readonly reason: Reason;
  /** What was wrong, in one or two sentences. */
  readonly summary: string;
  /** What would have passed; undefined where there is no single such value. */
  readonly expected: string | undefined;
  /** What came instead. */
  readonly found: string | undefined;
  /** What to do about it. */
  readonly remedy: string;
  /** The address of the page that says more. */
  readonly docs: string;
}

/** What a refusal can be explained by: what would have passed, and what came instead. Explanations bound and print them. */
export interface Explained {
  readonly cause?: unknown;
  readonly expected?: unknown;
  readonly found?: unknown;
}

const DOCS = 'https://github.com/tokenward/tokenward/blob/main/docs/why-401.md';

/** Explains a refusal. It is made when it is asked for, since most refusals are never read. */
export function explanationOf(reason: Reason, details: Explained): Explanation {
  const expected = resolved(details.expected);
  const found = resolved(details.found);
  const cause = details.cause === undefined ? undefined : printable(causeText(details.cause), 500);
  const { summary, remedy, refine } = TEXTS[reason];
  const refined = refine?.({ cause, expected, found });
  return Object.freeze({
    reason,
    summary: refined?.summary ?? summary,
    expected: shownExpected(reason, expected),
    found: shownFound(reason, found),
    remedy: refined?.remedy ?? remedy,
    docs: `${DOCS}#${reason}`,
  });
}

/** The same on one line, for a log or a terminal. */
export function explanationLine({ reason, summary, expected, found, remedy, docs }: Explanation): string {
  const values = [expected === undefined ? '' : ` Expected: ${expected}.`, found === undefined ? '' : ` Found: ${found}.`].join('');
  return `${reason}: ${summary}${values} ${remedy} (${docs})`;
}
