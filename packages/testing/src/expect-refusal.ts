import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict';
import { parseChallenges, type ReceivedChallenge } from './challenge.js';

/** The parts of a response that the assertions read. A `Response` of fetch fits. */
export interface ReceivedResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

export interface ExpectedRefusal {
  /** The error code of the challenge and the body. Default: there must be none. */
  readonly error?: string | undefined;
  /** The scope that the challenge must name. Default: there must be none. */
  readonly scope?: string | undefined;
  readonly acrValues?: string | undefined;
  readonly maxAge?: string | undefined;
  /** The scheme of the first challenge, which carries the error. Default: `Bearer`. */
  readonly scheme?: 'Bearer' | 'DPoP' | undefined;
}

/**
 * Asserts a 401 (RFC 6750 s3, RFC 9470 s3) with its challenge, its problem body and `Cache-Control: no-store`. Without `error`, the response must be the
 * answer to a request without credentials.
 *
 * @throws AssertionError
 *
 * @example
 * const challenge = await expectUnauthorized(await fetch(`${origin}/orders`), { scope: 'orders:read' });
 */
export function expectUnauthorized(response: ReceivedResponse, expected: ExpectedRefusal = {}): Promise<ReceivedChallenge> {
  return expectChallenge(response, 401, expected);
}

/** Asserts a 403 `insufficient_scope` (RFC 6750 s3.1), as {@link expectUnauthorized} asserts a 401. */
export function expectForbidden(response: ReceivedResponse, expected: Omit<ExpectedRefusal, 'error'> = {}): Promise<ReceivedChallenge> {
  return expectChallenge(response, 403, { error: 'insufficient_scope', ...expected });
}

/** Asserts a 400 `invalid_request` (RFC 6750 s3.1), as {@link expectUnauthorized} asserts a 401. */
export function expectBadRequest(response: ReceivedResponse): Promise<ReceivedChallenge> {
  return expectChallenge(response, 400, { error: 'invalid_request' });
}

/** Asserts a 503 with `Retry-After` (RFC 9110 s10.2.3), and returns its seconds. */
export async function expectUnavailable(response: ReceivedResponse): Promise<number> {
  await expectProblem(response, 503, { error: 'temporarily_unavailable' });
  strictEqual(response.headers.get('www-authenticate'), null, 'a 503 has no WWW-Authenticate field');
  const retryAfter = response.headers.get('retry-after') ?? '';
  match(retryAfter, /^[1-9]\d*$/, 'Retry-After is a whole number of seconds');
  return Number(retryAfter);
}

async function expectChallenge(response: ReceivedResponse, status: number, expected: ExpectedRefusal): Promise<ReceivedChallenge> {
  await expectProblem(response, status, expected);
  const line = response.headers.get('www-authenticate');
  ok(line !== null, `a ${status} has a WWW-Authenticate field`);
  const [challenge, ...others] = parseChallenges(line);
  const { scheme = 'Bearer', ...parameters } = expected;
  strictEqual(challenge.scheme, scheme, 'the scheme of the first challenge');
  strictEqual(new Set([challenge, ...others].map((one) => one.scheme)).size, others.length + 1, 'each scheme has one challenge');
  const { error, scope, acr_values: acrValues, max_age: maxAge, error_description: description } = challenge.parameters;
  deepStrictEqual({ error, scope, acrValues, maxAge }, { error: undefined, scope: undefined, acrValues: undefined, maxAge: undefined, ...parameters });
  strictEqual(description === undefined, error === undefined, 'error_description is present if error is, and only then');
  for (const other of others) {
    const { error: again, scope: asked } = other.parameters;
    deepStrictEqual([again, asked], [undefined, error === undefined ? scope : undefined], 'only the first challenge carries the error and what belongs to it');
  }
  return challenge;
}

async function expectProblem(response: ReceivedResponse, status: number, { error, scope }: ExpectedRefusal): Promise<void> {
  const text = await response.text();
  strictEqual(response.status, status, `the status, with the body ${text.slice(0, 200)}`);
  match(response.headers.get('content-type') ?? '', /^application\/problem\+json(;|$)/, 'the body is problem details (RFC 9457)');
  strictEqual(response.headers.get('cache-control'), 'no-store');
  const body = JSON.parse(text) as Record<string, unknown>;
  deepStrictEqual({ status: body['status'], error: body['error'], scope: body['scope'] }, { status, error, scope });
  for (const name of ['type', 'title', 'detail']) strictEqual(typeof body[name], 'string', `the body has a ${name}`);
}
