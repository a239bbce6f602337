import type { RequestEvent, FetchGuard, Policy } from '@tokenward/fetch';
import type { OddWay, SuitePolicy } from '@tokenward/testing/adapter-suite';

export type Handler = (event: RequestEvent) => Response | Promise<Response>;

interface Given {
  readonly guard: FetchGuard;
  readonly policies: readonly SuitePolicy[];
  readonly handle: Handler;
}

type Way = (guard: FetchGuard, policies: readonly Policy[], handle: Handler) => Handler;

/** Other ways to use a guard than `guard.protect(handler, ...policies)` on a route. */
const WAYS: Readonly<Record<string, Way>> = {
  'awaited, with the result checked': (guard, policies, handle) => async (event) => {
    const { response } = await guard(event, ...policies);
    return response ?? handle(event);
  },
  'awaited, on the request alone': (guard, policies, handle) => async (event) => {
    const result = await guard(event.request, ...policies);
    if (result.response) return result.response;
    return guard.respond(event.request, await handle(event));
  },
  'called twice at once': (guard, policies, handle) => async (event) => {
    const results = await Promise.all([guard(event, ...policies), guard(event.request, ...policies)]);
    return results.find(({ response }) => response)?.response ?? handle(event);
  },
  'awaited, with the response thrown': (guard, policies, handle) => async (event) => {
    try {
      const { response } = await guard(event, ...policies);
      // eslint-disable-next-line typescript/only-throw-error -- as loaders of React Router do
      if (response) throw response;
      return await handle(event);
    } catch (thrown) {
      if (thrown instanceof Response) return thrown;
      throw thrown;
    }
  },
  'a protected handler in a protected handler': (guard, policies, handle) => guard.protect(guard.protect(handle, ...policies), ...policies),
  'a protected handler behind a wrapper': (guard, policies, handle) => {
    const guarded = guard.protect(handle, ...policies);
    return async (event) => guarded({ ...event });
  },
  'a handler that is created for each request': (guard, policies, handle) => (event) => guard.protect(handle, ...policies)(event),
  'in front of another app': (guard, policies, handle) => guard.inFront.protect(handle, ...policies),
};

export const ways: readonly OddWay[] = Object.keys(WAYS).map((name) => ({ name, isAwaited: true }));

/** Returns the handler of a route that uses its guard in this way. */
export function handlerOf(way: string, { guard, policies, handle }: Given): Handler {
  return WAYS[way]!(guard, policies as readonly Policy[], handle);
}
