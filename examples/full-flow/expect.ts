import { inspect, isDeepStrictEqual } from 'node:util';

/** A check that did not hold: the message says what was found and what would have been right. */
class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer';
}

export function expectEqual(what: string, found: unknown, right: unknown): void {
  if (!isDeepStrictEqual(found, right)) throw new WrongAnswer(`${what} is ${inspect(found)}, and ${inspect(right)} would be right`);
}

/** For what must not be printed: a secret, or a comparison of two. */
export function expectThat(statement: string, holds: boolean): void {
  if (!holds) throw new WrongAnswer(`it does not hold that ${statement}`);
}

/** What a refusal has to look like, on the wire and to the operator. */
export interface Refusal {
  readonly status: 401 | 403 | 503;
  /** undefined: there must be none. */
  readonly error: string | undefined;
  readonly reason: string;
  /** The scope that the challenge has to name. */
  readonly scope?: string;
}

/** Checks status, challenge, body and cacheability of a refusal, and that it was refused for the right reason. */
export async function expectRefusal(response: Response, reason: string | undefined, right: Refusal): Promise<void> {
  expectEqual('the status', response.status, right.status);
  expectEqual('Cache-Control', response.headers.get('cache-control'), 'no-store');
  expectEqual('Content-Type', response.headers.get('content-type')?.split(';')[0], 'application/problem+json');
  const body = (await response.json()) as { status?: unknown; error?: unknown; scope?: unknown };
  expectEqual("the body's status", body.status, right.status);
  expectEqual("the body's error", body.error, right.error);
  const challenge = response.headers.get('www-authenticate');
  if (right.status === 503) {
    expectEqual('WWW-Authenticate', challenge, null);
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    expectThat('Retry-After is a number of seconds from 1 to 60', Number.isInteger(seconds) && seconds >= 1 && seconds <= 60);
  } else {
    expectThat('WWW-Authenticate is a Bearer challenge', challenge?.startsWith('Bearer ') ?? false);
    const parameters = parametersOf(challenge!);
    expectEqual("the challenge's error", parameters.get('error'), right.error);
    expectEqual("the challenge's scope", parameters.get('scope'), right.scope);
  }
  expectEqual("the operator's reason", reason, right.reason);
}

/** The `name="value"` pairs of a challenge (RFC 9110 s11.2). */
function parametersOf(challenge: string): ReadonlyMap<string, string> {
  return new Map([...challenge.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name!, value!]));
}
