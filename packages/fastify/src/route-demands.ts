import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify';
import type { GuardMethods, RoutePolicy } from '@tokenward/core/adapter';

/** What one guard demands of the requests on a route. */
export interface Demands {
  readonly guard: DocumentedGuard;
  readonly credentials: 'required' | 'optional';
  readonly policies: readonly RoutePolicy<FastifyRequest>[];
}

/** A guard as documents see it. */
export interface DocumentedGuard extends Pick<GuardMethods<never>, 'openApi'> {
  /** The name of its decorator. */
  readonly decorator: string;
}

/** The hooks of Fastify that run before a handler. */
export const IN_TIME = ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const;

const demands = new WeakMap<object, (route: RouteOptions) => Demands | undefined>();

/** Remembers what a hook demands of a route. */
export function withDemands<F extends object>(hook: F, demandsOn: (route: RouteOptions) => Demands | undefined): F {
  demands.set(hook, demandsOn);
  return hook;
}

const scopes = new WeakMap<object, FastifyInstance>();

/** Remembers the scope of a route, whose hooks run for it. */
export function rememberScope(route: RouteOptions, scope: FastifyInstance): void {
  scopes.set(route, scope);
}

/** Returns what the guards in front of a route's handler demand. Guards that the app's own code calls cannot be seen. */
export function demandsOn(route: RouteOptions): readonly Demands[] {
  const scope = scopes.get(route);
  const hooks = IN_TIME.flatMap((slot) => hooksOf(scope, slot).concat((route[slot] ?? []) as object));
  return hooks.flatMap((hook) => demands.get(hook)?.(route) ?? []);
}

/** Fastify keeps the hooks of a scope under a symbol. Routes also get those that are added after them. */
function hooksOf(scope: FastifyInstance | undefined, slot: string): readonly object[] {
  if (!scope) return [];
  // every scope has hooks of its own, and inherits from the one above
  let at: object | null = scope;
  while (at !== null) {
    const symbol = Object.getOwnPropertySymbols(at).find(({ description }) => description === 'fastify.hooks');
    if (symbol) return ((Reflect.get(at, symbol) as Partial<Record<string, readonly object[]>>)[slot] ?? []).filter((hook) => typeof hook === 'function');
    at = Object.getPrototypeOf(at) as object | null;
  }
  return [];
}
