import type { IncomingMessage } from 'node:http';
import type { Context } from 'hono';
import type { ProtectedRequest } from '@tokenward/core';
import { assertHasHeaders, createMemory, headersOf, viewOf } from '@tokenward/core/adapter';
import { FetchView, isFetchRequest, recordOf, type ConnectionView } from '@tokenward/fetch/adapter';
import { matchedRoute } from './matched-route.js';
import { nodeOf } from './node-env.js';

/** Returns Hono's context, a `Request`, or the request of `node:http`, as a {@link ProtectedRequest}. */
export function view(request: object): ProtectedRequest {
  if (isContext(request)) return views.getOrMake(request, () => new HonoView(request));
  if (isFetchRequest(request)) return new FetchView(request);
  assertHasHeaders(request, 'guard.check(request, ...policies)');
  return viewOf({}, request as IncomingMessage);
}

/** Several guards see a request as the same object. */
const views = createMemory<Context, HonoView>();

export function isContext(value: unknown): value is Context {
  const { req, get, set } = Object(value) as Partial<Context>;
  return isFetchRequest(req?.raw) && typeof get === 'function' && typeof set === 'function';
}

/**
 * Returns the headers of a request. For an `upgrade`, Node's server makes a `Request` of headers without repeated lines, so a second `Authorization` is found in
 * Node's own request only.
 */
function headersFrom(context: Context): ProtectedRequest['headers'] {
  const record = recordOf(context.req.raw.headers);
  const { incoming } = nodeOf(context);
  if (incoming?.headers.upgrade === undefined) return record;
  const { authorization } = headersOf(incoming);
  return Array.isArray(authorization) ? { ...record, authorization } : record;
}

class HonoView extends FetchView {
  readonly #context: Context;

  constructor(context: Context) {
    super(context.req.raw, headersFrom(context));
    this.#context = context;
  }

  /** Read each time, since each route has its own. */
  override get params(): ProtectedRequest['params'] {
    return this.#context.req.param() as ProtectedRequest['params'];
  }

  get route(): string | undefined {
    return matchedRoute(this.#context)?.path;
  }

  /** The id that the middleware `requestId` has set. */
  get requestId(): string | undefined {
    const id = this.#context.get('requestId') as unknown;
    return typeof id === 'string' ? id : undefined;
  }

  /** What only Node's own request says; on other servers, what the app told the guard. */
  protected override connection(): ConnectionView | undefined {
    const { incoming } = nodeOf(this.#context);
    return incoming ? viewOf({}, incoming) : super.connection();
  }
}
