import type { IssuerFailure } from '../oidc/login-client.js';
import type { SessionEventOutcome, SessionEventReason } from '../session-events.js';
import { issuerRemedy } from './issuer-remedy.js';
import { page } from './pages.js';
import type { RouteContext } from './route-context.js';

interface Sentence {
  readonly status: 200 | 400 | 502 | 503;
  readonly text: string;
  readonly outcome: SessionEventOutcome;
  readonly reason: SessionEventReason;
}

const MAX_RETRY_AFTER_SECONDS = 60;
const NOT_LOGGED_IN = 'The login server wants you to log in or to agree first.';

/** What people read for each error code of the issuer. Nothing of the issuer's own texts is repeated (rule 137). */
const REFUSALS: ReadonlyMap<string, Sentence> = new Map<string, Sentence>([
  ['access_denied', { status: 200, text: 'You did not agree, or you are not allowed to use this app.', outcome: 'refused', reason: 'access_denied' }],
  ...['login_required', 'interaction_required', 'consent_required', 'account_selection_required'].map(
    (code) => [code, { status: 200, text: NOT_LOGGED_IN, outcome: 'refused', reason: 'login_required' }] as const,
  ),
]);

/** Returns the page for a login that failed, publishes the event, and prints a warning if the operator can correct it. */
export function failurePage(failure: IssuerFailure, again: string, { config, publish, warn }: RouteContext, setCookies: readonly string[] = []): Response {
  const known = failure.failure === 'refused' ? REFUSALS.get(failure.cause) : undefined;
  const { status, text, outcome, reason } = known ?? sentenceOf(failure);
  publish('login', outcome, reason);
  if (!known) {
    const remedy = remedyOf(failure, config);
    warn(`tokenward: a login at ${config.issuer} failed: ${failure.cause}${remedy === undefined ? '' : `. ${remedy}`}`);
  }
  const headers = status === 503 ? { 'retry-after': String(Math.ceil(Math.min(failure.retryAfterSeconds ?? 5, MAX_RETRY_AFTER_SECONDS))) } : undefined;
  return page({ status, title: 'You are not logged in', text, link: { href: again, text: 'Log in again' }, setCookies, headers });
}

function remedyOf({ failure, cause }: IssuerFailure, config: RouteContext['config']): string | undefined {
  if (failure === 'busy') return 'The issuer is slow, or strangers start logins: let the proxy in front of this app limit how many one address may start';
  return failure === 'refused' ? issuerRemedy(cause, config) : undefined;
}

function sentenceOf({ failure }: IssuerFailure): Sentence {
  switch (failure) {
    case 'unavailable':
      return { status: 503, text: 'The login server cannot be reached at the moment. Try again in a minute.', outcome: 'failed', reason: 'issuer_unavailable' };
    case 'busy':
      return {
        status: 503,
        text: 'Too many people are logging in at the moment. Reload this page in a few seconds.',
        outcome: 'failed',
        reason: 'too_many_logins',
      };
    case 'refused':
      return { status: 400, text: 'The login server did not complete the login.', outcome: 'refused', reason: 'issuer_refused' };
    case 'invalid':
    case 'unusable':
    case 'other_user':
      return { status: 400, text: 'The answer of the login server was not valid, so you were not logged in.', outcome: 'failed', reason: 'invalid_response' };
  }
}
