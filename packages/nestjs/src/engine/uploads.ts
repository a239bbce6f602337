import type { IncomingMessage } from 'node:http';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { RouteRequirements, Decision, Deny } from '@tokenward/core';
import { createMemory, headersOf } from '@tokenward/core/adapter';
import { rawOf } from '../call/carrier.js';
import type { Engine } from './engine.js';
import type { Handler } from '../rules/handlers.js';
import { ruleOfHandler, type Rule } from '../rules/rule.js';

/** Returns the guard that decides for a rule, or undefined if the rule admits every request. */
type EngineFor = (rule: Rule) => Engine | undefined;

/**
 * Keeps body parsers from reading the large bodies of requests that the guard will refuse. Nest parses bodies before it runs guards, so a large request is checked
 * right before the parser, if the framework's router shows its handlers. The guard itself refuses later, when Nest runs it. Middleware before and after the
 * parsers sees the request unchanged.
 */
export function leaveRefusedBodiesUnread(adapter: AbstractHttpAdapter, engineFor: EngineFor): void {
  const isFastify = adapter.getType() === 'fastify';
  if (isFastify) checkInFastify(adapter.getInstance<FastifyApp>(), engineFor);
  else if (adapter.getType() === 'express') checkInExpress(adapter as unknown as ExpressAdapter, engineFor);
}

/** Marks the handlers, so that the routes of either platform show their handlers. Nest copies the marks when it registers the routes. */
export function markPlaces(handlers: readonly Handler[]): void {
  for (const { owner, key } of handlers) {
    const method = (owner.prototype as Record<string, Method>)[key]!;
    markForFastify(method, owner);
    markForExpress(method, owner);
  }
}

/** A class and the method that is its handler. Several classes may inherit one method. */
interface Place {
  readonly owner: Handler['owner'];
  readonly method: Method;
}
type Method = (...given: never[]) => unknown;

const PLACES = Symbol.for('tokenward.places');

/** Nest copies a method's metadata to the function that it registers with Express. */
function markForExpress(method: Method, owner: Handler['owner']): void {
  const places = (Reflect.getMetadata(PLACES, method) ?? []) as readonly Place[];
  Reflect.defineMetadata(PLACES, withPlace(places, { owner, method }), method);
}

/** Nest copies metadata of this name to the configuration of Fastify's route. `@RouteConfig()` writes it, too, so its members are kept. */
function markForFastify(method: Method, owner: Handler['owner']): void {
  const config = (Reflect.getMetadata('__fastify_route_config__', method) ?? {}) as { [PLACES]?: readonly Place[] };
  Reflect.defineMetadata('__fastify_route_config__', { ...config, [PLACES]: withPlace(config[PLACES] ?? [], { owner, method }) }, method);
}

function withPlace(places: readonly Place[], added: Place): readonly Place[] {
  return places.some(({ owner }) => owner === added.owner) ? places : [...places, added];
}

type Next = (error?: unknown) => void;
type ExpressRequest = IncomingMessage & { readonly path: string };
type ExpressParser = (request: ExpressRequest, response: unknown, next: Next) => void;

/** The two methods by which Nest registers body parsers. */
interface ExpressAdapter {
  getInstance(): { readonly router: { readonly stack: readonly ExpressLayer[] } };
  use(parser: ExpressParser): void;
  registerParserMiddleware(...given: unknown[]): unknown;
  useBodyParser(...given: unknown[]): unknown;
}
interface ExpressLayer {
  readonly route?: { readonly methods: Readonly<Record<string, boolean>>; readonly stack: readonly { readonly handle: object }[] };
  match(path: string): boolean;
}

function checkInExpress(adapter: ExpressAdapter, engineFor: EngineFor): void {
  const use = adapter.use.bind(adapter);
  for (const name of ['registerParserMiddleware', 'useBodyParser'] as const) {
    const original = adapter[name].bind(adapter);
    adapter[name] = (...given) => {
      adapter.use = (parser) => use(unlessRefused(parser, (request) => isRefused(request, request, placesInExpress(adapter, request), engineFor)));
      try {
        return original(...given);
      } finally {
        adapter.use = use;
      }
    };
  }
}

function unlessRefused(parser: ExpressParser, refuses: (request: ExpressRequest) => Promise<boolean>): ExpressParser {
  const checking: ExpressParser = (request, response, next) => {
    if (!isLarge(request)) return parser(request, response, next);
    refuses(request)
      .then((refused) => {
        if (!refused) return parser(request, response, next);
        leaveUnread(request, () => new Promise((resolve, reject) => parser(request, response, (error) => (error ? reject(error) : resolve()))));
        next();
      })
      .catch(next);
  };
  // Nest looks for this name to see whether the parser is registered already
  return Object.defineProperty(checking, 'name', { value: parser.name });
}

/** Returns the handlers of all routes that Express matches. Returns none if any of these routes is not Nest's. */
function placesInExpress(adapter: ExpressAdapter, request: ExpressRequest): readonly Place[] {
  const method = request.method!.toLowerCase();
  const { stack } = adapter.getInstance().router;
  const routes = stack.filter(({ route }) => route && (route.methods[method] || route.methods['_all'])).filter((layer) => layer.match(request.path));
  const places = routes.map(({ route }) => route!.stack.flatMap(({ handle }) => (Reflect.getMetadata(PLACES, handle) ?? []) as Place[]));
  return places.every((one) => one.length > 0) ? places.flat() : [];
}

type Done = (error?: unknown) => void;
interface FastifyApp {
  addHook(name: 'preParsing', hook: (request: FastifyRequest, reply: unknown, payload: unknown, done: Done) => void): void;
  addHook(name: 'preValidation', hook: (request: FastifyRequest, reply: unknown, done: Done) => void): void;
}
interface FastifyRequest {
  readonly raw: IncomingMessage;
  readonly routeOptions: { readonly config: { readonly [PLACES]?: readonly Place[] } };
}

function checkInFastify(app: FastifyApp, engineFor: EngineFor): void {
  // hooks with callbacks: small requests must not wait for promises
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    if (!isLarge(request.raw)) return done();
    leaveRefusedUnread(request, engineFor).then(() => done(), done);
  });
  app.addHook('preValidation', ({ raw }, _reply, done) => {
    restore(raw);
    done();
  });
}

async function leaveRefusedUnread(request: FastifyRequest, engineFor: EngineFor): Promise<void> {
  const { raw, routeOptions } = request;
  if (!(await isRefused(request, raw, routeOptions.config[PLACES] ?? [], engineFor))) return;
  hide(raw);
  leaveUnread(raw, async () => {
    throw new Error('tokenward: a large request was refused before its body was read, and admitted afterwards. Set credentials in an onRequest hook');
  });
}

const LARGE_BYTES = 16 * 1024;

/** Returns whether the body is large. A body of unknown length counts as large. */
function isLarge(raw: IncomingMessage): boolean {
  const length = raw.headers['content-length'];
  if (length !== undefined) return Number(length) > LARGE_BYTES;
  const { stream } = raw as { stream?: { readonly endAfterHeaders?: boolean } };
  return raw.headers['transfer-encoding'] !== undefined || stream?.endAfterHeaders === false;
}

/** Returns whether every handler that may get the request refuses it. `places` holds these handlers; it is empty if they are unknown. */
async function isRefused(request: object, raw: IncomingMessage, places: readonly Place[], engineFor: EngineFor): Promise<boolean> {
  for (const { owner, method } of places) {
    const rule = ruleOfHandler(owner, method);
    const engine = engineFor(rule);
    if (!engine || (await decideEarly(request, raw, engine, rule.requirementsFor(request))).outcome === 'allow') return false;
  }
  return places.length > 0;
}

const BODY_FIELDS = ['content-length', 'content-type', 'transfer-encoding'];

/** By request, the fields that announce a body, while they are hidden from the parsers. A look-up must be fast for the many requests without an entry. */
const hidden = new WeakMap<IncomingMessage, IncomingMessage['headers']>();

function hide(raw: IncomingMessage): void {
  hidden.set(raw, Object.fromEntries(BODY_FIELDS.map((name) => [name, raw.headers[name]])));
  for (const name of BODY_FIELDS) delete raw.headers[name];
}

function restore(raw: IncomingMessage): void {
  const fields = hidden.get(raw);
  if (!fields) return;
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) raw.headers[name] = value;
  hidden.delete(raw);
}

type Read = () => Promise<void>;
const unread = new WeakMap<IncomingMessage, readonly Read[]>();

function leaveUnread(raw: IncomingMessage, read: Read): void {
  unread.set(raw, [...(unread.get(raw) ?? []), read]);
}

/** Reads a body that was left unread, for a request that is admitted after all: middleware after the parsers may have changed its credentials. */
export function readLate(request: unknown): true | Promise<true> {
  const raw = typeof request === 'object' && request !== null ? rawOf(request) : undefined;
  const left = raw && unread.get(raw);
  if (!left) return true;
  unread.delete(raw);
  return readAll(left);
}

async function readAll(left: readonly Read[]): Promise<true> {
  for (const read of left) await read();
  return true;
}

interface Early {
  readonly engine: Engine;
  readonly requirements: RouteRequirements;
  readonly decision: Decision;
  /** The headers with credentials. */
  readonly sent: string;
}

const early = createMemory<object, readonly Early[]>();

/** Checks a request ahead of the guard, once for all parsers and handlers. Only the guard can admit it, after the body was read. */
async function decideEarly(request: object, raw: IncomingMessage, engine: Engine, requirements: RouteRequirements): Promise<Decision> {
  const known = earlyDecision(request, raw, engine, requirements);
  if (known) return known;
  const decision = await engine.foresee(request, requirements);
  early.set(request, [...(early.get(request) ?? []), { engine, requirements, decision, sent: credentialsOf(raw) }]);
  return decision;
}

/** Returns the decision made before the body was read, by the same guard, for the same requirements and the same credentials. */
function earlyDecision(request: object, raw: IncomingMessage, engine: Engine, { credentials, policy }: RouteRequirements): Decision | undefined {
  const sent = credentialsOf(raw);
  return early
    .get(request)
    ?.find((one) => one.engine === engine && one.requirements.credentials === credentials && one.requirements.policy === policy && one.sent === sent)?.decision;
}

/**
 * Returns the refusal for which Fastify left a body unread. Fastify cannot read it later, so the request stays refused, even if it would be admitted now (because
 * the keys arrived meanwhile).
 */
export function lastingRefusal(request: object, engine: Engine, requirements: RouteRequirements): Deny | undefined {
  const raw = rawOf(request);
  const decision = raw !== request && unread.get(raw) ? earlyDecision(request, raw, engine, requirements) : undefined;
  return decision?.outcome === 'deny' ? decision : undefined;
}

function credentialsOf(raw: IncomingMessage): string {
  const { authorization = null, cookie = null } = headersOf(raw);
  return JSON.stringify([authorization, cookie]);
}
