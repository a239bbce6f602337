// What users see, checked by the compiler and never run. Claims are not declared here: see declared/.
import {
  claim,
  createGuard,
  getAuth,
  scope,
  type Auth,
  type Claims,
  type ClaimsSchema,
  type Decision,
  type FetchGuard,
  type GuardResult,
} from '@tokenward/fetch';
import { expectTypeOf } from 'vitest';

const guard = createGuard();
declare const request: Request;

// a handler without types gets a Request
guard.protect((request) => {
  expectTypeOf(request).toEqualTypeOf<Request>();
  expectTypeOf(getAuth(request)).toEqualTypeOf<Auth>();
  expectTypeOf(getAuth(request, 'optional')).toEqualTypeOf<Auth | undefined>();
  return new Response();
}, scope('a'));

// the types make code check the response before it uses the Auth
async function byHand(): Promise<Response> {
  const result = await guard(request, scope('a'));
  expectTypeOf(result).toEqualTypeOf<GuardResult<Auth<Claims>>>();
  // @ts-expect-error -- it may be undefined
  void result.auth.subject;
  if (result.response) return result.response;
  expectTypeOf(result.auth).toEqualTypeOf<Auth<Claims>>();
  const { auth, response } = await guard.optional(request);
  expectTypeOf(response).toEqualTypeOf<Response | undefined>();
  expectTypeOf(auth).toEqualTypeOf<Auth<Claims> | undefined>();
  // @ts-expect-error -- the guard may return a promise
  void guard(request).response;
  return guard.respond(request, new Response());
}
void byHand;

// the arguments of frameworks
class NextRequest extends Request {
  readonly nextUrl!: URL;
}
export const GET: (request: NextRequest, context: { params: Promise<{ id: string }> }) => Response | Promise<Response> = guard.protect(
  (request: NextRequest, { params }: { params: Promise<{ id: string }> }) => params.then(({ id }) => Response.json([request.nextUrl.href, id])),
  (request) => (expectTypeOf(request).toEqualTypeOf<NextRequest>(), scope('a')),
);

interface SvelteEvent {
  readonly request: Request;
  readonly params: { readonly tenant: string };
  readonly locals: { user: string };
}
type SvelteHandler = (event: SvelteEvent) => Response | Promise<Response>;
export const svelte: SvelteHandler = guard.protect(
  (event) => {
    expectTypeOf(event).toEqualTypeOf<SvelteEvent>();
    expectTypeOf(guard.getAuth(event)).toEqualTypeOf<Auth<Claims>>();
    return new Response(event.locals.user);
  },
  ({ params }) => claim('tenant', params.tenant),
);

interface WorkerHandler<Env> {
  fetch: (request: Request, env: Env, context: { waitUntil(promise: Promise<unknown>): void }) => Response | Promise<Response>;
}
export const worker: WorkerHandler<{ KEY: string }> = { fetch: guard.protect((_request: Request, env: { KEY: string }) => new Response(env.KEY)) };

// @ts-expect-error -- the handler returns no response
guard.protect(() => 'text');
// @ts-expect-error -- the handler comes first
guard.protect(scope('a'), () => new Response());
// @ts-expect-error -- a name is not a policy
void guard(request, 'orders:read');
// @ts-expect-error -- headers are not a request
void guard(new Headers());
// @ts-expect-error -- a Request has no property of ours
createGuard({ property: 'caller' });

// several guards: the claims come from the guard itself
declare const partnerSchema: ClaimsSchema<{ partnerId: number }>;
const partner = createGuard({ issuer: 'https://login.example.com', audience: 'b', claims: partnerSchema });
expectTypeOf(partner.getAuth(request)).toEqualTypeOf<Auth<{ partnerId: number }>>();
expectTypeOf(partner.check(request)).toEqualTypeOf<Decision<Auth<{ partnerId: number }>> | Promise<Decision<Auth<{ partnerId: number }>>>>();
expectTypeOf(guard).toEqualTypeOf<FetchGuard<Claims>>();
