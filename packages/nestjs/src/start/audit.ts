import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { ConfigurationProblem } from '@tokenward/core';
import { findGateways, findProviders, methodsOf, type Handler } from '../rules/handlers.js';
import type { GuardedSockets } from '../engine/sockets.js';
import { isMarked, markedMethods, ruleOfClass } from '../rules/rule.js';

/** Decorators that contradict each other, and such as guard nothing. */
export function problemsOf(handlers: readonly Handler[], modules: ModulesContainer): ConfigurationProblem[] {
  return [
    ...handlers.flatMap(({ name, rule }) => rule.problems.map((message) => ({ path: name, message }))),
    ...findGateways(modules).flatMap((gateway) => ruleOfClass(gateway).problems.map((message) => ({ path: gateway.name, message }))),
    ...wrapped(handlers, modules),
    ...markedForNothing(handlers, modules),
  ];
}

/**
 * Nest puts guards among the global ones while it starts, and never later: a module that `LazyModuleLoader` loads would guard nothing. By then the
 * other modules no longer learn of one that is global.
 */
export function problemsOfImports(modules: ModulesContainer, token: symbol): ConfigurationProblem[] {
  const all = [...modules.values()];
  const [own, another] = all.filter(({ providers }) => providers.has(token));
  if (another) {
    return [{ path: 'TokenwardTestingModule', message: 'is imported beside TokenwardModule. Write runAs(builder, who) in the test of a whole application' }];
  }
  const others = all.filter((module) => module !== own && module.name !== 'InternalCoreModule');
  if (!own || others.every(({ imports }) => imports.has(own))) return [];
  return [{ path: 'TokenwardModule', message: 'is loaded lazily, when Nest takes no more global guards. Write it into the imports of the root module' }];
}

/** What a class decorator puts in a class' place has not what stands on that class. */
function wrapped(handlers: readonly Handler[], modules: ModulesContainer): ConfigurationProblem[] {
  const owners = new Set([...handlers.map(({ owner }) => owner), ...findGateways(modules)]);
  return [...owners]
    .filter((owner) => (owner.prototype as { constructor: unknown }).constructor !== owner)
    .map(({ name }) => ({
      path: name,
      message: 'was replaced by a class decorator, so that it is not certain what it needs: such a decorator must return nothing, or a class that extends it',
    }));
}

/** Classes and methods whose decorators nobody reads. */
function markedForNothing(handlers: readonly Handler[], modules: ModulesContainer): ConfigurationProblem[] {
  const gateways = new Set<unknown>(findGateways(modules));
  const serving = new Set<unknown>([...handlers.map(({ owner }) => owner), ...gateways]);
  const controllers = [...modules.values()].flatMap((module) => [...module.controllers.values()].map(({ metatype }) => metatype as Type));
  const owners = new Set([...controllers, ...findProviders(modules).map(({ owner }) => owner)]);
  return [...owners].flatMap((owner) => {
    const handled = new Set(handlers.filter((handler) => handler.owner === owner).map(({ key }) => key));
    const idle = markedMethods(owner).filter((key) => !handled.has(key) && !isKnownToOthers(owner, key));
    const problems = idle.map((key) => ({
      path: `${owner.name}.${key}`,
      message: gateways.has(owner) ? `${GUARDS_NOTHING}; what a handshake needs stands on the class` : GUARDS_NOTHING,
    }));
    const isForNothing = isMarked(owner) && !serving.has(owner) && !methodsOf(owner).some((key) => isKnownToOthers(owner, key));
    if (isForNothing) problems.push({ path: owner.name, message: GUARDS_NOTHING });
    return problems;
  });
}

/** Whether a library that adds a kind of handlers to Nest (chat bots, command lines, queues) may have put its own metadata on a method. */
function isKnownToOthers(owner: Type, key: string): boolean {
  const method = (owner.prototype as Record<string, unknown>)[key];
  return typeof method === 'function' && Reflect.getMetadataKeys(method).some((name) => name !== '__guards__' && !String(name).startsWith('design:'));
}

const GUARDS_NOTHING = 'has decorators of tokenward and is no handler: Nest runs guards for those of controllers, resolvers and gateways alone';

/**
 * Messages of a hybrid application. `connectMicroservice` takes over no global guard unless it is told `inheritAppConfig: true`, and nothing
 * shows whether it was: such handlers have the guard on themselves.
 */
export function problemsOfHybrid(handlers: readonly Handler[]): ConfigurationProblem[] {
  return handlers
    .filter(({ kind, rule, isGuarded }) => kind === 'rpc' && rule.access && !isGuarded)
    .map(({ name }) => ({
      path: name,
      message:
        'takes messages in an application that serves HTTP, too, where connectMicroservice leaves global guards out: put @Authenticated(), or what it needs, on the class (or @Public())',
    }));
}

/**
 * A microservice with `deferInitialization` starts the whole application once more, its gateways too, and without `inheritAppConfig` it does so
 * with no guards at all.
 */
export function problemsOfSockets(gateways: readonly Type[], { bound }: GuardedSockets, starts: number): ConfigurationProblem[] {
  const closed = gateways.filter((gateway) => ruleOfClass(gateway).access);
  if (starts < 2 || closed.length === 0 || bound() >= starts * gateways.length) return [];
  return closed.map(({ name }) => ({
    path: name,
    message: 'is served a second time, with no guards, by connectMicroservice({ ... }, { deferInitialization: true }): give it inheritAppConfig: true, too',
  }));
}

/** Fields and references of GraphQL that need something, in an application in which Nest runs no guards for them. */
export function problemsOfFields(handlers: readonly Handler[], modules: ModulesContainer): ConfigurationProblem[] {
  if (runsGuardsForFields(modules)) return [];
  return handlers
    .filter(({ isField, at, rule }) => isField && rule.access && (rule.marked || at === 'reference'))
    .map(({ name, at }) => ({
      path: name,
      message: `is a ${at === 'reference' ? 'reference' : 'field'} resolver, for which Nest runs no guards: give GraphQLModule fieldResolverEnhancers: ['guards'], or put @Public() on it`,
    }));
}

function runsGuardsForFields(modules: ModulesContainer): boolean {
  const given = [...modules.values()].flatMap(({ providers }) => {
    const options = providers.get('GqlModuleOptions')?.instance as { fieldResolverEnhancers?: readonly string[] } | null | undefined;
    return options ? [options] : [];
  });
  return given.length > 0 && given.every(({ fieldResolverEnhancers }) => fieldResolverEnhancers?.includes('guards'));
}
