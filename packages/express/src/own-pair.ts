import type { NextFunction, Request, Response } from 'express';

/** A request and response for the guard's own answer. Neither has a reference to the response that is closed to other code. */
export interface OwnPair {
  readonly request: Request;
  readonly response: Response;
}

/**
 * Creates the pair for an `onDenied` that is called while the response is closed. Express' `res.render` and `res.sendFile` call
 * `req.next` of the response's request, and `onDenied` may, too. So `req.res` is the open response, and `req.next` calls only `next`.
 *
 * @param pass the open response
 * @param next is called with the argument of `req.next`
 */
export function ownPair(original: Request, pass: Response, next: (error?: unknown) => void): OwnPair {
  const own: Partial<Record<PropertyKey, unknown>> = { next: next satisfies NextFunction };
  const request = standIn(original, own);
  const response = standIn(pass, { req: request });
  own['res'] = response;
  return { request, response };
}

/** Returns a proxy in which the members of `own` replace those of the target. */
function standIn<T extends object>(target: T, own: Partial<Record<PropertyKey, unknown>>): T {
  return new Proxy(target, {
    get: (_target, name) => (Object.hasOwn(own, name) ? own[name] : (Reflect.get(target, name, target) as unknown)),
    set: (_target, name, value) => Reflect.set(target, name, value, target),
  });
}
