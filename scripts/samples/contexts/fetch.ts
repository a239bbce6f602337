import type { BrowserSessionCredentials } from '@tokenward/core';
import type { FetchGuard } from '@tokenward/fetch';

declare global {
  const session: BrowserSessionCredentials;
  const guard: FetchGuard;
  /** What a file of the reader exports. */
  function handler(request: Request): Response | Promise<Response>;
  function route(request: Request): Response;
  /** As in SvelteKit. */
  interface RequestEvent {
    readonly request: Request;
    readonly params: { readonly tenant: string };
  }
  type RequestHandler = (event: RequestEvent) => Response | Promise<Response>;
  type Handle = (input: { event: RequestEvent; resolve: (event: RequestEvent) => Promise<Response> }) => Promise<Response>;
  /** As in Astro. */
  type MiddlewareHandler = (context: RequestEvent, next: () => Promise<Response>) => Promise<Response>;
  /** As in the types that React Router generates for a route. */
  namespace Route {
    type LoaderArgs = RequestEvent;
    type MiddlewareFunction = (args: RequestEvent, next: () => Promise<Response>) => Promise<Response>;
  }
  /** As in Next.js. */
  type NextRequest = Request;
  const NextResponse: { next(): Response };
}
