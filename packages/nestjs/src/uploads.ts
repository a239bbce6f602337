import type { IncomingMessage } from 'node:http';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { Access, Decision } from '@tokenward/core';
import { createMemory } from '@tokenward/core/adapter';
import type { Handler } from './handlers.js';
import { ruleOfHandler, type Rule } from './rule.js';

/** Decides on a request by a handler's rule; undefined where everybody is let in. */
type Decide = (request: object, rule: Rule) => Decision | Promise<Decision> | undefined;

/**
 * Nest reads bodies before it asks its guards. Large ones are decided on as soon as the framework's own router can tell their handler: for
 * those that will be refused there is no body that a parser could see, and the guard refuses in its place as it always does.
 */
export function leaveRefusedBodiesUnread(adapter: AbstractHttpAdapter, handlers: readonly Handler[], decide: Decide): void {
  const isFastify = adapter.getType() === 'fastify';
  for (const { owner, key } of handlers) {
    const method = (owner.prototype as Record<string, Method>)[key]!;
    if (isFastify) markForFastify(method, owner);
    else markForExpress(method, owner);
  }
  if (isFastify) lookInFastify(adapter.getInstance<FastifyApp>(), decide);
  else if (adapter.getType() === 'express') lookInExpress(adapter.getInstance<ExpressApp>(), decide);
}

/** A class that has a method as its handler: several may inherit one. */
interface Place {
  readonly owner: Handler['owner'];
  readonly method: Method;
}
type Method = (...given: never[]) => unknown;

const PLACES = Symbol.for('tokenward.places');

/** Nest copies a method's metadata to what it gives Express as the route's handler. */
function markForExpress(method: Method, owner: Handler['owner']): void {
  const places = (Reflect.getMetadata(PLACES, method) ?? []) as readonly Place[];
  Reflect.defineMetadata(PLACES, withPlace(places, { owner, method }), method);
}

/** And what stands there under this name into the configuration of Fastify's route, as `@RouteConfig()` does. */
function markForFastify(method: Method, owner: Handler['owner']): void {
  const config = (Reflect.getMetadata('__fastify_route_config__', method) ?? {}) as { [PLACES]?: readonly Place[] };
  Reflect.defineMetadata('__fastify_route_config__', { ...config, [PLACES]: withPlace(config[PLACES] ?? [], { owner, method }) }, method);
}

function withPlace(places: readonly Place[], added: Place): readonly Place[] {
  return places.some(({ owner }) => owner === added.owner) ? places : [...places, added];
}

interface ExpressApp {
  readonly router: { readonly stack: readonly ExpressLayer[] };
  use(middleware: (request: IncomingMessage & { readonly path: string }, response: unknown, next: (error?: unknown) => void) => void): void;
}
interface ExpressLayer {
  readonly route?: { readonly methods: Readonly<Record<string, boolean>>; readonly stack: readonly { readonly handle: object }[] };
  match(path: string): boolean;
}

function lookInExpress(app: ExpressApp, decide: Decide): void {
  app.use((request, _response, next) => {
    if (!isLarge(request)) return next();
    const method = request.method!.toLowerCase();
    const routes = app.router.stack.filter((layer) => layer.route && (layer.route.methods[method] || layer.route.methods['_all']) && layer.match(request.path));
    const places = routes.map(({ route }) => route!.stack.flatMap(({ handle }) => (Reflect.getMetadata(PLACES, handle) ?? []) as Place[]));
    look(request, request, places.every((one) => one.length > 0) ? places.flat() : [], decide).then(() => next(), next);
  });
}

interface FastifyApp {
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: unknown, done: (error?: Error) => void) => void): void;
}
interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly routeOptions: { readonly config: { readonly [PLACES]?: readonly Place[] } };
}

function lookInFastify(app: FastifyApp, decide: Decide): void {
  app.addHook('onRequest', (request, _reply, done) => {
    if (!isLarge(request.raw)) return done();
    look(request, request.raw, request.routeOptions.config[PLACES] ?? [], decide).then(() => done(), done);
  });
}

const LARGE_BYTES = 16 * 1024;

/** Of one that is sent in chunks nobody knows. */
function isLarge({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > LARGE_BYTES;
}

/** @param places all handlers to which the request may come: none, where that is not known */
async function look(request: object, raw: IncomingMessage, places: readonly Place[], decide: Decide): Promise<void> {
  let refused = places.length > 0;
  for (const { owner, method } of places) {
    const rule = ruleOfHandler(owner, method);
    const decision = await decide(request, rule);
    if (decision?.outcome !== 'deny') refused = false;
    if (decision && rule.access && places.length === 1) early.set(request, { access: rule.access, decision });
  }
  if (!refused) return;
  for (const name of ['content-length', 'content-type', 'transfer-encoding']) delete raw.headers[name];
}

const early = createMemory<object, { readonly access: Access; readonly decision: Decision }>();

/** What was decided on a request before its body was read, by the same rule. It is told once to those who watch. */
export function earlyDecision(request: object, access: Access): Decision | undefined {
  const known = early.get(request);
  return known?.access === access ? known.decision : undefined;
}
