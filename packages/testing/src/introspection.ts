import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** The introspection endpoint of a test issuer (RFC 7662), and the tokens that it knows. */
export interface TestIntrospection {
  /** How often each kind of answer was given. `refused`: the client was not authenticated. */
  readonly introspections: { readonly active: number; readonly inactive: number; readonly refused: number };
  /** Makes a token known, until it is revoked or expires. */
  know(token: string, claims: Readonly<Record<string, unknown>>): void;
  /** @returns whether the token was known */
  revoke(token: string): boolean;
  /** Answers a request to the endpoint. It never rejects. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** The client that may introspect, by `client_secret_basic`. */
export interface IntrospectionClient {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A test that issues more tokens than this uses only the last ones. */
const MAX_KNOWN = 10_000;

export function createTestIntrospection({ clientId, clientSecret }: IntrospectionClient, nowSeconds: () => number): TestIntrospection {
  const known = new Map<string, Readonly<Record<string, unknown>>>();
  const introspections = { active: 0, inactive: 0, refused: 0 };
  const credentials = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;

  function answerAbout(token: string): object {
    const claims = known.get(token);
    if (!claims || !(Number(claims['exp'] ?? Infinity) > nowSeconds())) return { active: false };
    return { active: true, token_type: 'Bearer', ...claims };
  }

  return {
    introspections,
    know(token, claims) {
      if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value!);
      known.set(token, claims);
    },
    revoke: (token) => known.delete(token),
    async answer(request, response) {
      try {
        const token = new URLSearchParams(await text(request)).get('token');
        const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
        if (request.headers.authorization !== credentials) {
          introspections.refused++;
          response.writeHead(401, { ...headers, 'www-authenticate': 'Basic realm="introspection"' }).end('{"error":"invalid_client"}');
          return;
        }
        const answer = answerAbout(token ?? '');
        introspections['token_type' in answer ? 'active' : 'inactive']++;
        response.writeHead(200, headers).end(JSON.stringify(answer));
      } catch {
        response.destroy();
      }
    },
  };
}
