import type { Auth, Decision, Deny, ResponseHeaders } from '@tokenward/core';
import {
  createMemory,
  isGuard,
  markGuard,
  misuse,
  requirementsForCall,
  type NativeGuard,
  type RequirementsFor,
  type RoutePolicy,
} from '@tokenward/core/adapter';
import { answerTo, isEmpty, metadataResponse, thrownWithHeaders, withHeaders } from './answers.js';
import { assertInput, requestOf, type FetchInput } from './input.js';
import { pendingResult } from './pending-result.js';
import { rememberEvent } from './view.js';

/** The guard admits the request. */
export interface AdmittedRequest<A extends Auth<object> | undefined> {
  readonly response: undefined;
  readonly auth: A;
  /** Headers for the response, such as the cookies of a session. `guard.respond(request, response)` adds them. */
  readonly headers: ResponseHeaders;
}

/** The guard refuses the request, or has answered it with the metadata of the API. */
export interface AnsweredRequest {
  /** Return it. Nothing else may answer the request. */
  readonly response: Response;
  readonly auth: undefined;
  readonly headers: undefined;
}

/** The result of a guard: either there is a response to return, or the request is admitted. */
export type GuardResult<A extends Auth<object> | undefined = Auth> = AdmittedRequest<A> | AnsweredRequest;

/** Guards requests: where your own code calls it, or around a handler. */
export interface Guarding<A extends Auth<object> | undefined> {
  /**
   * Decides on a request. If the result has a `response`, return it.
   *
   * @throws ConfigurationError if there is no request, or if an argument is not a policy
   *
   * @example
   * const result = await guard(request, scope('orders:read'));
   * if (result.response) return result.response;
   */
  <I extends FetchInput>(request: I, ...policies: readonly RoutePolicy<I>[]): GuardResult<A> | Promise<GuardResult<A>>;
  /**
   * Returns a handler that runs for admitted requests only. It passes on all arguments, and adds the headers of the decision to the response.
   *
   * @throws ConfigurationError if the handler is not a function, or if another argument is not a policy
   *
   * @example export const GET = guard.protect((request) => Response.json({ for: getAuth(request).subject }), scope('orders:read'));
   */
  protect<I extends FetchInput = Request, Rest extends readonly unknown[] = []>(
    handler: (request: I, ...rest: Rest) => Response | Promise<Response>,
    ...policies: readonly RoutePolicy<I>[]
  ): (request: I, ...rest: Rest) => Response | Promise<Response>;
}

type Native = NativeGuard<object, [request: Request]>;

/** The headers that guards want in the response to a request. */
const wanted = createMemory<object, ResponseHeaders[]>();

/** Returns the response with the headers that guards decided on for its request. */
export function withWantedHeaders(input: FetchInput, response: Response): Response {
  return (wanted.get(requestOf(input)) ?? []).reduce(withHeaders, response);
}

export function createGuarding<A extends Auth<object> | undefined>(
  native: Native,
  credentials: 'required' | 'optional',
  preflight: 'pass' | 'refuse',
): Guarding<A> {
  const withoutPolicies = native.requirementsFor(credentials, []);

  function decide<I extends FetchInput>(input: I, requirements: RequirementsFor<I>): GuardResult<A> | Promise<GuardResult<A>> {
    const request = requestOf(input) as Request;
    rememberEvent(request, input);
    const metadata = native.metadataFor(request);
    if (metadata) return answered(metadataResponse(metadata));
    const decision = native.decide(request, requirements(input, preflight));
    return decision instanceof Promise ? pendingResult(settleLate(request, decision)) : settle(request, decision);
  }

  async function settleLate(request: Request, pending: Promise<Decision>): Promise<GuardResult<A>> {
    // some platforms watch the connection only if somebody reads the signal while the client is there
    const { signal } = request as Partial<Request>;
    const decision = await pending;
    return signal?.aborted && decision.outcome === 'allow' ? answered(goneResponse()) : settle(request, decision);
  }

  function settle(request: Request, decision: Decision): GuardResult<A> | Promise<GuardResult<A>> {
    if (decision.outcome === 'deny') return refuse(decision, request);
    const { auth, headers } = decision;
    if (!isEmpty(headers)) wanted.set(request, [...(wanted.get(request) ?? []), headers]);
    return { response: undefined, auth: auth as A, headers };
  }

  function refuse(decision: Deny, request: Request): AnsweredRequest | Promise<AnsweredRequest> {
    const response = answerTo(native, decision, request);
    return response instanceof Promise ? pendingResult(response.then(answered)) : answered(response);
  }

  function guard<I extends FetchInput>(input: I, ...policies: readonly RoutePolicy<I>[]): GuardResult<A> | Promise<GuardResult<A>> {
    assertInput(input, 'guard(request, ...policies)');
    return decide(input, policies.length === 0 ? withoutPolicies : requirementsForCall(credentials, policies));
  }

  function protect<I extends FetchInput, Rest extends readonly unknown[]>(
    handler: (request: I, ...rest: Rest) => Response | Promise<Response>,
    ...policies: readonly RoutePolicy<I>[]
  ): (request: I, ...rest: Rest) => Response | Promise<Response> {
    assertHandler(handler);
    const requirements = native.requirementsFor(credentials, policies as readonly RoutePolicy<object>[]);

    function run(result: GuardResult<A>, input: I, rest: Rest): Response | Promise<Response> {
      if (result.response) return result.response;
      return isEmpty(result.headers) ? handler(input, ...rest) : runWithHeaders(result.headers, input, rest);
    }

    async function runWithHeaders(headers: ResponseHeaders, input: I, rest: Rest): Promise<Response> {
      try {
        return withHeaders(await handler(input, ...rest), headers);
      } catch (thrown) {
        throw thrownWithHeaders(thrown, headers);
      }
    }

    return markGuard((input: I, ...rest: Rest) => {
      assertInput(input, 'guard.protect(handler, ...policies)(request)');
      const result = decide(input, requirements);
      return result instanceof Promise ? result.then((late) => run(late, input, rest)) : run(result, input, rest);
    });
  }

  return Object.assign(markGuard(guard), { protect });
}

function answered(response: Response): AnsweredRequest {
  return { response, auth: undefined, headers: undefined };
}

/** The client is gone, so nobody reads it. The status is that of nginx: the standards have none. */
function goneResponse(): Response {
  return new Response(null, { status: 499 });
}

function assertHandler(handler: unknown): void {
  const path = 'guard.protect(handler, ...policies)';
  if (typeof handler !== 'function') throw misuse(path, 'needs the handler, a function, as its first argument. The policies follow');
  if (isGuard(handler) && 'protect' in handler) throw misuse(path, 'got a guard instead of the handler');
}
