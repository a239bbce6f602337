import { RequestMethod, type Type } from '@nestjs/common';
import { MetadataScanner, type ApplicationConfig, type ModulesContainer } from '@nestjs/core';
import { isObject } from '../call/carrier.js';
import { ruleOf, type Rule } from './rule.js';
import { isGuarded } from './marks.js';

/** A handler of the application. */
export interface Handler {
  readonly kind: 'http' | 'graphql' | 'ws' | 'rpc';
  /** `OrdersController.list` */
  readonly name: string;
  /** How clients reach it: `GET /orders`, `Query orders`, `message "move"`. */
  readonly at: string;
  readonly owner: Type;
  readonly key: string;
  /** What its decorators require. */
  readonly rule: Rule;
  /** Whether Nest runs guards for it only when configured to: GraphQL's field and reference resolvers. */
  readonly isField: boolean;
  /** Whether the handler or its class has the guard itself, in addition to the global guards. */
  readonly isGuarded: boolean;
}

/** The metadata keys by which Nest finds its handlers. */
const METADATA = {
  path: 'path',
  method: 'method',
  pattern: 'microservices:pattern',
  isGateway: 'websockets:is_gateway',
  isMessage: 'websockets:message_mapping',
  message: 'message',
  resolverType: 'graphql:resolver_type',
  resolverName: 'graphql:resolver_name',
  isField: 'graphql:resolve_property',
  isReference: 'graphql:resolve_reference',
  modulePath: '__module_path__',
} as const;

const ROOTS = new Set<unknown>(['Query', 'Mutation', 'Subscription']);

/** Returns every handler that Nest will serve. Handlers on what a factory returns are known only after it ran. */
export function findHandlers(modules: ModulesContainer, config: ApplicationConfig): Handler[] {
  const found = new Map<string, Handler>();
  for (const module of modules.values()) {
    const prefix = `${config.getGlobalPrefix()}/${String(Reflect.getMetadata(METADATA.modulePath + modules.applicationId, module.metatype) ?? '')}`;
    for (const { metatype } of module.controllers.values()) {
      for (const handler of ofController(metatype as Type, prefix)) found.set(`${handler.at} ${handler.name}`, handler);
    }
  }
  for (const { owner, isMade } of findProviders(modules)) {
    for (const handler of ofProvider(owner, isMade)) found.set(`${handler.at} ${handler.name}`, handler);
  }
  return [...found.values()];
}

/** Returns the classes of all providers. `isMade`: Nest did not create the instance itself, so it serves only its resolvers. */
export function findProviders(modules: ModulesContainer): { readonly owner: Type; readonly isMade: boolean }[] {
  const wrappers = [...modules.values()].flatMap(({ providers }) => Array.from(providers.values()));
  const found = new Map<Type, boolean>();
  for (const { isNotMetatype, metatype, instance } of wrappers) {
    const owner: unknown = isNotMetatype ? (instance as object | null | undefined)?.constructor : metatype;
    if (isClass(owner) && found.get(owner) !== false) found.set(owner, isNotMetatype);
  }
  return [...found].map(([owner, isMade]) => ({ owner, isMade }));
}

/** A function that an instance has in place of a handler's method, because something bound or wrapped the method. */
export interface StandIn {
  readonly handler: Handler;
  readonly standIn: object;
}

export function findStandIns(modules: ModulesContainer, handlers: readonly Handler[]): StandIn[] {
  const places = [...modules.values()].flatMap(({ controllers, providers }) => [controllers, providers]);
  const instances: unknown[] = places.flatMap((wrappers) => Array.from(wrappers.values(), ({ instance }) => instance));
  return instances.filter(isObject).flatMap((instance) =>
    handlers
      .filter(({ owner }) => instance.constructor === owner)
      .map((handler) => ({ handler, standIn: Reflect.get(instance, handler.key) as object }))
      .filter(({ handler, standIn }) => typeof standIn === 'function' && standIn !== methodAt(handler.owner, handler.key)),
  );
}

/** Returns the classes of all gateways. */
export function findGateways(modules: ModulesContainer): Type[] {
  return findProviders(modules).flatMap(({ owner, isMade }) => (!isMade && Reflect.hasMetadata(METADATA.isGateway, owner) ? [owner] : []));
}

export function methodsOf(owner: Type): string[] {
  return new MetadataScanner().getAllMethodNames(owner.prototype as object);
}

function ofController(owner: Type, prefix: string): Handler[] {
  return methodsOf(owner).flatMap((key) => {
    const method = methodAt(owner, key);
    const handlers: Handler[] = [];
    const path: unknown = Reflect.getMetadata(METADATA.path, method);
    if (path !== undefined) {
      const verb = RequestMethod[Reflect.getMetadata(METADATA.method, method) as RequestMethod] ?? 'GET';
      for (const base of [Reflect.getMetadata(METADATA.path, owner) as string | string[]].flat()) {
        for (const end of [path as string | string[]].flat()) handlers.push(handler('http', `${verb} ${joined(prefix, base, end)}`, owner, key));
      }
    }
    const patterns: unknown = Reflect.getMetadata(METADATA.pattern, method);
    for (const pattern of (patterns as unknown[] | undefined) ?? []) handlers.push(handler('rpc', `message ${JSON.stringify(pattern)}`, owner, key));
    return handlers;
  });
}

function ofProvider(owner: Type, isMade: boolean): Handler[] {
  const isGateway = !isMade && Reflect.hasMetadata(METADATA.isGateway, owner);
  return methodsOf(owner).flatMap((key) => {
    const method = methodAt(owner, key);
    if (isGateway && Reflect.getMetadata(METADATA.isMessage, method) === true) {
      return [handler('ws', `message ${JSON.stringify(Reflect.getMetadata(METADATA.message, method))}`, owner, key)];
    }
    return ofResolver(owner, key, method);
  });
}

function ofResolver(owner: Type, key: string, method: object): Handler[] {
  const type: unknown = Reflect.getMetadata(METADATA.resolverType, method);
  const name = String(Reflect.getMetadata(METADATA.resolverName, method) ?? key);
  if (ROOTS.has(type)) return [handler('graphql', `${String(type)} ${name}`, owner, key)];
  if (Reflect.hasMetadata(METADATA.isReference, method)) return [handler('graphql', 'reference', owner, key, true)];
  if (Reflect.getMetadata(METADATA.isField, method) === true) return [handler('graphql', `field ${name}`, owner, key, true)];
  return [];
}

function handler(kind: Handler['kind'], at: string, owner: Type, key: string, isField = false): Handler {
  const guarded = isGuarded(owner) || isGuarded(methodAt(owner, key));
  return { kind, name: `${owner.name}.${key}`, at, owner, key, rule: ruleOf(owner, key), isField, isGuarded: guarded };
}

function methodAt(owner: Type, key: string): object {
  return (owner.prototype as Record<string, object>)[key]!;
}

function isClass(value: unknown): value is Type {
  return typeof value === 'function' && typeof value.prototype === 'object';
}

function joined(...parts: readonly string[]): string {
  return `/${parts
    .join('/')
    .split('/')
    .filter((part) => part !== '')
    .join('/')}`;
}
