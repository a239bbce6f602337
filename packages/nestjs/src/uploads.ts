import type { IncomingMessage } from 'node:http';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { Access, Decision } from '@tokenward/core';
import { createMemory, headersOf } from '@tokenward/core/adapter';
import { probeOf } from './carrier.js';
import type { Engine } from './engine.js';
import type { Handler } from './handlers.js';
import { ruleOfHandler, type Rule } from './rule.js';

/** Which guard decides on a rule; undefined where everybody is let in. */
type EngineFor = (rule: Rule) => Engine | undefined;

/**
 * Nest reads bodies before it asks its guards. Large ones are decided on right before they would be read, when the framework's own router can
 * tell their handler: of those that will be refused the parsers see nothing, and the guard refuses in its place as it always does. What stands
 * before and behind the parsers sees the request as it is.
 */
export function leaveRefusedBodiesUnread(adapter: AbstractHttpAdapter, handlers: readonly Handler[], engineFor: EngineFor): void {
  const isFastify = adapter.getType() === 'fastify';
  for (const { owner, key } of handlers) {
    const method = (owner.prototype as Record<string, Method>)[key]!;
    if (isFastify) markForFastify(method, owner);
    else markForExpress(method, owner);
  }
  if (isFastify) lookInFastify(adapter.getInstance<FastifyApp>(), engineFor);
  else if (adapter.getType() === 'express') lookInExpress(adapter as unknown as ExpressAdapter, engineFor);
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

type Next = (error?: unknown) => void;
type ExpressRequest = IncomingMessage & { readonly path: string };

/** The two ways in which Nest puts parsers ahead of its routes. */
interface ExpressAdapter {
  getInstance(): { readonly router: { readonly stack: readonly ExpressLayer[] } };
  use(middleware: (request: ExpressRequest, response: unknown, next: Next) => void): void;
  registerParserMiddleware(...given: unknown[]): unknown;
  useBodyParser(...given: unknown[]): unknown;
}
interface ExpressLayer {
  readonly route?: { readonly methods: Readonly<Record<string, boolean>>; readonly stack: readonly { readonly handle: object }[] };
  match(path: string): boolean;
}

function lookInExpress(adapter: ExpressAdapter, engineFor: EngineFor): void {
  for (const name of ['registerParserMiddleware', 'useBodyParser'] as const) {
    const original = adapter[name].bind(adapter);
    adapter[name] = (...given) => {
      adapter.use((request, _response, next) => {
        if (isLarge(request)) hideRefused(request, request, placesInExpress(adapter, request), engineFor).then(() => next(), next);
        else next();
      });
      const result = original(...given);
      adapter.use((request, _response, next) => {
        restore(request);
        next();
      });
      return result;
    };
  }
}

/** All routes of the method and path, by Express' own matching; none where one of them is no handler of Nest's. */
function placesInExpress(adapter: ExpressAdapter, request: ExpressRequest): readonly Place[] {
  const method = request.method!.toLowerCase();
  const { stack } = adapter.getInstance().router;
  const routes = stack.filter(({ route }) => route && (route.methods[method] || route.methods['_all'])).filter((layer) => layer.match(request.path));
  const places = routes.map(({ route }) => route!.stack.flatMap(({ handle }) => (Reflect.getMetadata(PLACES, handle) ?? []) as Place[]));
  return places.every((one) => one.length > 0) ? places.flat() : [];
}

interface FastifyApp {
  addHook(name: 'preParsing' | 'preValidation', hook: (request: FastifyRequest, reply: unknown, ...rest: never[]) => Promise<void>): void;
}
interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly routeOptions: { readonly config: { readonly [PLACES]?: readonly Place[] } };
}

function lookInFastify(app: FastifyApp, engineFor: EngineFor): void {
  app.addHook('preParsing', async (request) => {
    if (isLarge(request.raw)) await hideRefused(request, request.raw, request.routeOptions.config[PLACES] ?? [], engineFor);
  });
  app.addHook('preValidation', async ({ raw }) => restore(raw));
}

const LARGE_BYTES = 16 * 1024;

/** Of one that is sent in chunks, or over HTTP/2 without a length, nobody knows. */
function isLarge(raw: IncomingMessage): boolean {
  const length = raw.headers['content-length'];
  if (length !== undefined) return Number(length) > LARGE_BYTES;
  const { stream } = raw as { stream?: { readonly endAfterHeaders?: boolean } };
  return raw.headers['transfer-encoding'] !== undefined || stream?.endAfterHeaders === false;
}

const BODY_FIELDS = ['content-length', 'content-type', 'transfer-encoding'];

/** What announces a body that will not be read. */
const hidden = createMemory<IncomingMessage, IncomingMessage['headers']>();

/** @param places all handlers to which the request may come: none, where that is not known */
async function hideRefused(request: object, raw: IncomingMessage, places: readonly Place[], engineFor: EngineFor): Promise<void> {
  let isRefused = places.length > 0;
  for (const { owner, method } of places) {
    const rule = ruleOfHandler(owner, method);
    const engine = engineFor(rule);
    const decision = engine && (await engine.decide(probeOf(request), rule.access!));
    if (decision?.outcome !== 'deny') isRefused = false;
    if (decision && places.length === 1) early.set(request, { engine, access: rule.access!, decision, shown: authorizationOf(raw) });
  }
  if (!isRefused) return;
  hidden.set(raw, Object.fromEntries(BODY_FIELDS.map((name) => [name, raw.headers[name]])));
  for (const name of BODY_FIELDS) delete raw.headers[name];
}

function restore(raw: IncomingMessage): void {
  for (const [name, value] of Object.entries(hidden.get(raw) ?? {})) if (value !== undefined) raw.headers[name] = value;
  hidden.set(raw, undefined);
}

interface Early {
  readonly engine: Engine;
  readonly access: Access;
  readonly decision: Decision;
  readonly shown: string;
}

const early = createMemory<object, Early>();

/**
 * What was decided on a request before its body was read: by the same guard and rule, and for the same credentials. It is told once to those
 * who watch.
 */
export function earlyDecision(request: object, raw: IncomingMessage, engine: Engine, access: Access): Decision | undefined {
  const known = early.get(request);
  return known?.engine === engine && known.access === access && known.shown === authorizationOf(raw) ? known.decision : undefined;
}

function authorizationOf(raw: IncomingMessage): string {
  return JSON.stringify(headersOf(raw)['authorization'] ?? null);
}
