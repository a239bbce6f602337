import { misuse } from '@tokenward/core/adapter';

/** A `Response` of fetch, or what has its parts. */
export interface FetchedResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

/** An answer as a test client received it: a `Response` of fetch or Hono, that of supertest, or that of `inject` (Fastify, light-my-request). */
export type ReceivedResponse =
  | FetchedResponse
  | { readonly status: number; readonly headers: object; readonly text: string }
  | { readonly statusCode: number; readonly headers: object; readonly payload: string };

/** What the assertions read of an answer, whatever client received it. */
export interface Received {
  readonly status: number;
  /** Returns a field; undefined if there is none. Several lines are joined. */
  header(name: string): string | undefined;
  readonly text: string;
}

/**
 * Reads an answer of any test client.
 *
 * @param given the answer, or what can be awaited for it, such as a request of supertest
 * @throws ConfigurationError if it is not an answer
 */
export async function received(given: ReceivedResponse | PromiseLike<ReceivedResponse>): Promise<Received> {
  const answer = (await given) as Partial<Readonly<Record<'status' | 'statusCode' | 'headers' | 'text' | 'payload', unknown>>> | undefined | null;
  const { status, statusCode, headers } = answer ?? {};
  const code = typeof status === 'number' ? status : statusCode;
  if (typeof code !== 'number' || typeof headers !== 'object' || headers === null)
    throw misuse('response', 'is not an answer. Pass that of fetch, app.request(), supertest or app.inject(), or its promise');
  return { status: code, header: (name) => fieldOf(headers, name), text: await textOf(answer!) };
}

async function textOf(answer: object): Promise<string> {
  const { text, payload } = answer as { readonly text?: unknown; readonly payload?: unknown };
  if (typeof text === 'function') return String(await (text as () => unknown).call(answer));
  // superagent leaves out the text of bodies that it does not know, and of empty ones
  return textIn(text) ?? textIn(payload) ?? '';
}

function fieldOf(headers: object, name: string): string | undefined {
  const { get } = headers as { readonly get?: unknown };
  if (typeof get === 'function') return (get as (field: string) => string | null).call(headers, name) ?? undefined;
  const value = (headers as Readonly<Record<string, unknown>>)[name];
  return Array.isArray(value) ? value.join(', ') : textIn(value);
}

/** `inject` gives the values that were set, numbers included. */
function textIn(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}
