import { printable } from '../lib/url.js';
import type { Reason } from '../vocabulary/reason.js';
import { causeText } from './cause-text.js';
import { resolved, shownExpected, shownFound } from './shown-values.js';
import { TEXTS } from './texts.js';

/**
 * Why a request was refused, for the people who run the API. Never send it to clients.
 *
 * It does not contain the token. It shows `iss`, `aud`, dates, `kid`, `alg`, `typ`, scopes, roles and client IDs, shortened and with printable characters
 * only. For a DPoP proof it shows `htm`, `htu` and `iat`; for the header of an encrypted token, `enc` and `cty`; for a request with a session cookie, the header
 * that tells where it comes from. For every other value it shows only the type.
 */
export interface Explanation {
  readonly reason: Reason;
  /** What was wrong, in one or two sentences. */
  readonly summary: string;
  /** What the guard would have accepted; undefined if that is not a single value. */
  readonly expected: string | undefined;
  /** What the token or the request has instead. */
  readonly found: string | undefined;
  /** What to do about it. */
  readonly remedy: string;
  /** The URL of the page about this reason. */
  readonly docs: string;
}

/** The details that an explanation is created from. They may be any values: the explanation shortens them and makes them printable. */
export interface Explained {
  readonly cause?: unknown;
  readonly expected?: unknown;
  readonly found?: unknown;
}

const PAGES = 'https://tokenward.github.io/tokenward/reasons/';

/** Returns the URL of the page about a reason: what the client sees, why it happens, and how to fix it. */
export function pageOf(reason: Reason): string {
  return `${PAGES}${reason.replaceAll('_', '-')}/`;
}

/** Creates the explanation of a refusal. Guards call it only on demand, because most refusals are never read. */
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
    docs: pageOf(reason),
  });
}

/** Returns an explanation as one line, for a log or a terminal. */
export function explanationLine({ reason, summary, expected, found, remedy, docs }: Explanation): string {
  const values = [expected === undefined ? '' : ` Expected: ${expected}.`, found === undefined ? '' : ` Found: ${found}.`].join('');
  return `${reason}: ${summary}${values} ${remedy} (${docs})`;
}
