import { misuse } from '@tokenward/core/adapter';

/** The parameters of a route. */
export type Params = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What SvelteKit, Astro and React Router pass to a handler: an object with the request. */
export interface RequestEvent {
  readonly request: Request;
  /** The decoded parameters of the route. Predicates of policies get them as `request.params`. */
  readonly params?: object | undefined;
}

/** A `Request`, or an object that has one under `request`. */
export type FetchInput = Request | RequestEvent;

/** Returns the request of an input. Guards identify a request by it: all objects with the same `Request` are one request. */
export function requestOf(input: object): object {
  // first, since the request that Next.js passes to proxy.ts throws if its member `request` is read
  if (isFetchRequest(input)) return input;
  const { request } = Object(input) as { readonly request?: unknown };
  return isFetchRequest(request) ? request : input;
}

/** Whether a value is a `Request` of this platform, of another realm, or of a library. */
export function isFetchRequest(value: unknown): value is Request {
  const { headers, url, method } = Object(value) as Partial<Request>;
  return typeof headers?.get === 'function' && typeof url === 'string' && typeof method === 'string';
}

/** @throws ConfigurationError if the value is neither a `Request` nor an object with one */
export function assertInput(input: unknown, path: string): asserts input is FetchInput {
  if (isFetchRequest(input) || isFetchRequest((Object(input) as Partial<RequestEvent>).request)) return;
  throw misuse(path, 'got no Request, and no object with a Request under request');
}
