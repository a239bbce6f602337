import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict';
import { parseChallenges, type ReceivedChallenge } from './challenge.js';
import { received, type Received, type ReceivedResponse } from './received.js';
import { assertOptions } from './caller-options.js';

/** An answer, or what can be awaited for it, such as a request of supertest. */
type Answer = ReceivedResponse | PromiseLike<ReceivedResponse>;

export interface ExpectedRefusal {
  /** The error code of the challenge and the body. Default: there must be none. */
  readonly error?: string | undefined;
  /** The scopes that the challenge must name, in any order. Default: there must be none. */
  readonly scopes?: readonly string[] | undefined;
  readonly acrValues?: string | undefined;
  readonly maxAge?: string | undefined;
  /** The scheme of the first challenge, which carries the error. Default: `Bearer`. */
  readonly scheme?: 'Bearer' | 'DPoP' | undefined;
}

const EXPECTED: readonly (keyof ExpectedRefusal)[] = ['error', 'scopes', 'acrValues', 'maxAge', 'scheme'];

/**
 * Asserts a 401 (RFC 6750 s3, RFC 9470 s3) with its challenge, its problem body and `Cache-Control: no-store`. Without `error`, the response must be the
 * answer to a request without credentials.
 *
 * @param response of `fetch`, of Hono's `app.request()`, of supertest or of `inject`, or its promise
 * @throws AssertionError
 *
 * @example
 * const challenge = await expectUnauthorized(await fetch(`${origin}/orders`), { scopes: ['orders:read'] });
 */
export function expectUnauthorized(response: Answer, expected: ExpectedRefusal = {}): Promise<ReceivedChallenge> {
  return expectChallenge('expectUnauthorized()', response, 401, expected);
}

/** Asserts a 403 `insufficient_scope` (RFC 6750 s3.1), as {@link expectUnauthorized} asserts a 401. */
export function expectForbidden(response: Answer, expected: Omit<ExpectedRefusal, 'error'> = {}): Promise<ReceivedChallenge> {
  return expectChallenge('expectForbidden()', response, 403, { error: 'insufficient_scope', ...expected });
}

/** Asserts a 400 `invalid_request` (RFC 6750 s3.1), as {@link expectUnauthorized} asserts a 401. */
export function expectBadRequest(response: Answer): Promise<ReceivedChallenge> {
  return expectChallenge('expectBadRequest()', response, 400, { error: 'invalid_request' });
}

/** Asserts a 503 with `Retry-After` (RFC 9110 s10.2.3), and returns its seconds. */
export async function expectUnavailable(response: Answer): Promise<number> {
  const answer = await received(response);
  expectProblem(answer, 503, { error: 'temporarily_unavailable' });
  strictEqual(answer.header('www-authenticate'), undefined, 'a 503 has no WWW-Authenticate field');
  const retryAfter = answer.header('retry-after') ?? '';
  match(retryAfter, /^[1-9]\d*$/, 'Retry-After is a whole number of seconds');
  return Number(retryAfter);
}

async function expectChallenge(where: string, response: Answer, status: number, expected: ExpectedRefusal): Promise<ReceivedChallenge> {
  assertOptions(where, expected, EXPECTED);
  const answer = await received(response);
  expectProblem(answer, status, expected);
  const line = answer.header('www-authenticate');
  ok(line !== undefined, `a ${status} has a WWW-Authenticate field`);
  const [challenge, ...others] = parseChallenges(line);
  const { scheme = 'Bearer', error: wanted, scopes, acrValues: wantedAcr, maxAge: wantedAge } = expected;
  strictEqual(challenge.scheme, scheme, 'the scheme of the first challenge');
  strictEqual(new Set([challenge, ...others].map((one) => one.scheme)).size, others.length + 1, 'each scheme has one challenge');
  const { error, scope, acr_values: acrValues, max_age: maxAge, error_description: description } = challenge.parameters;
  deepStrictEqual({ error, scopes: namesIn(scope), acrValues, maxAge }, { error: wanted, scopes: scopes?.toSorted(), acrValues: wantedAcr, maxAge: wantedAge });
  strictEqual(description === undefined, error === undefined, 'error_description is present if error is, and only then');
  for (const other of others) {
    const { error: again, scope: asked } = other.parameters;
    deepStrictEqual([again, asked], [undefined, error === undefined ? scope : undefined], 'only the first challenge carries the error and what belongs to it');
  }
  return challenge;
}

function expectProblem({ status: found, text, header }: Received, status: number, { error, scopes }: ExpectedRefusal): void {
  strictEqual(found, status, `the status, with the body ${text.slice(0, 200)}`);
  match(header('content-type') ?? '', /^application\/problem\+json(;|$)/, 'the body is problem details (RFC 9457)');
  strictEqual(header('cache-control'), 'no-store');
  const body = JSON.parse(text) as Record<string, unknown>;
  const sent = { status: body['status'], error: body['error'], scopes: namesIn(body['scope'] as string | undefined) };
  deepStrictEqual(sent, { status, error, scopes: scopes?.toSorted() });
  for (const name of ['type', 'title', 'detail']) strictEqual(typeof body[name], 'string', `the body has a ${name}`);
}

function namesIn(scope: string | undefined): readonly string[] | undefined {
  return scope?.split(' ').toSorted();
}
