import { inspect, isDeepStrictEqual } from 'node:util';

/** A failed check. Its message has the actual and the expected value. */
class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

export function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) throw new WrongAnswer(`${what}: expected ${inspect(expected)}, got ${inspect(actual)}`);
}

/** Checks a statement whose values must not be printed, such as a comparison of secrets. */
export function expectThat(statement: string, holds: boolean): void {
  if (!holds) throw new WrongAnswer(`this is not true: ${statement}`);
}

/** The expected refusal: what the client gets, and the reason that the operator sees. */
export interface Refusal {
  readonly status: 401 | 403 | 503;
  /** undefined: the challenge must have none. */
  readonly error: string | undefined;
  readonly reason: string;
  /** The scope that the challenge must name. */
  readonly scope?: string;
}

/** Checks the status, challenge, body and caching of a refusal, and its reason. */
export async function expectRefusal(response: Response, reason: string | undefined, expected: Refusal): Promise<void> {
  expectEqual('the status', response.status, expected.status);
  expectEqual('Cache-Control', response.headers.get('cache-control'), 'no-store');
  expectEqual('Content-Type', response.headers.get('content-type')?.split(';')[0], 'application/problem+json');
  const body = (await response.json()) as { status?: unknown; error?: unknown; scope?: unknown };
  expectEqual("the body's status", body.status, expected.status);
  expectEqual("the body's error", body.error, expected.error);
  const challenge = response.headers.get('www-authenticate');
  if (expected.status === 503) {
    expectEqual('WWW-Authenticate', challenge, null);
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    expectThat('Retry-After is a number of seconds from 1 to 60', Number.isInteger(seconds) && seconds >= 1 && seconds <= 60);
  } else {
    expectThat('WWW-Authenticate is a Bearer challenge', challenge?.startsWith('Bearer ') ?? false);
    const parameters = parametersOf(challenge!);
    expectEqual("the challenge's error", parameters.get('error'), expected.error);
    expectEqual("the challenge's scope", parameters.get('scope'), expected.scope);
  }
  expectEqual("the operator's reason", reason, expected.reason);
}

/** Returns the `name="value"` pairs of a challenge (RFC 9110 s11.2). */
function parametersOf(challenge: string): ReadonlyMap<string, string> {
  return new Map([...challenge.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name!, value!]));
}
