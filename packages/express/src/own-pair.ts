import type { NextFunction, Request, Response } from 'express';

/** A request and its response for whoever answers in a guard's stead, by which nobody gets to the ones that are closed to all others. */
export interface OwnPair {
  readonly request: Request;
  readonly response: Response;
}

/**
 * Makes the pair for an `onDenied` that is called while the response is closed. Express' own `res.render` and `res.sendFile` go from the response to the
 * request and from there to `next`, and so may it: `req.res` is a response that can be written, and `req.next` goes nowhere but to `next`.
 *
 * @param pass the response that can be written
 * @param next is called with what is given to `req.next`
 */
export function ownPair(given: Request, pass: Response, next: (error?: unknown) => void): OwnPair {
  const own: Partial<Record<PropertyKey, unknown>> = { next: next satisfies NextFunction };
  const request = standIn(given, own);
  const response = standIn(pass, { req: request });
  own['res'] = response;
  return { request, response };
}

function standIn<T extends object>(target: T, own: Partial<Record<PropertyKey, unknown>>): T {
  return new Proxy(target, {
    get: (_target, name) => (Object.hasOwn(own, name) ? own[name] : (Reflect.get(target, name, target) as unknown)),
    set: (_target, name, value) => Reflect.set(target, name, value, target),
  });
}
