import type { Type } from '@nestjs/common';
import { ModulesContainer, type ApplicationConfig } from '@nestjs/core';
import type { ConfigurationProblem } from '@tokenward/core';
import { findGateways, findProviders, methodsOf, type Handler } from '../rules/handlers.js';
import type { GuardedSockets } from '../engine/sockets.js';
import { ruleOfClass } from '../rules/rule.js';
import { isGuarded, isMarked, markedMethods } from '../rules/marks.js';

/** Returns decorators that contradict each other or guard nothing. */
export function problemsOf(handlers: readonly Handler[], modules: ModulesContainer): ConfigurationProblem[] {
  return [
    ...handlers.flatMap(({ name, rule }) => rule.problems.map((message) => ({ path: name, message }))),
    ...findGateways(modules).flatMap((gateway) => ruleOfClass(gateway).problems.map((message) => ({ path: gateway.name, message }))),
    ...wrapped(handlers, modules),
    ...markedForNothing(handlers, modules),
  ];
}

/**
 * Returns a problem if the module was loaded lazily. Nest collects global guards only while it starts, so a module from `LazyModuleLoader` would guard nothing.
 * Such a module is not among the imports of the other modules.
 */
export function problemsOfImports(modules: ModulesContainer, token: symbol): ConfigurationProblem[] {
  const all = [...modules.values()];
  const [own, another] = all.filter(({ providers }) => providers.has(token));
  if (another) {
    return [
      { path: 'TokenwardTestingModule', message: 'cannot be imported together with TokenwardModule. To test a whole application, write runAs(builder, who)' },
    ];
  }
  // Nest's own module imports none, and a bundler may have changed its name
  const others = all.filter((module) => module !== own && module.providers.get(ModulesContainer)?.instance !== modules);
  if (!own || others.every(({ imports }) => imports.has(own))) return [];
  return [{ path: 'TokenwardModule', message: 'is loaded lazily, too late for Nest to take its global guard. Add it to the imports of the root module' }];
}

/** A class that a decorator replaced: the decorators of the original are not on the new class. */
function wrapped(handlers: readonly Handler[], modules: ModulesContainer): ConfigurationProblem[] {
  const owners = new Set([...handlers.map(({ owner }) => owner), ...findGateways(modules)]);
  return [...owners]
    .filter((owner) => (owner.prototype as { constructor: unknown }).constructor !== owner)
    .map(({ name }) => ({
      path: name,
      message: 'was replaced by a class decorator, so its requirements are uncertain. Have the decorator return nothing, or a class that extends it',
    }));
}

/** Classes and methods whose decorators have no effect. */
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
      message: gateways.has(owner) ? `${GUARDS_NOTHING}. For a handshake, put them on the class` : GUARDS_NOTHING,
    }));
    const isForNothing = isMarked(owner) && !serving.has(owner) && !methodsOf(owner).some((key) => isKnownToOthers(owner, key));
    if (isForNothing) problems.push({ path: owner.name, message: GUARDS_NOTHING });
    return problems;
  });
}

/** Whether a library that adds its own kind of handler (chat bots, command lines, queues) may have put metadata on a method. */
function isKnownToOthers(owner: Type, key: string): boolean {
  const method = (owner.prototype as Record<string, unknown>)[key];
  return typeof method === 'function' && Reflect.getMetadataKeys(method).some((name) => name !== '__guards__' && !String(name).startsWith('design:'));
}

const GUARDS_NOTHING = 'has decorators of tokenward but is not a handler. Nest runs guards only for handlers of controllers, resolvers and gateways';

/**
 * Returns the message handlers of a hybrid application that lack a guard of their own. `connectMicroservice` drops global guards without
 * `inheritAppConfig: true`, and nothing shows whether it was set.
 */
export function problemsOfHybrid(handlers: readonly Handler[], modules: ModulesContainer): ConfigurationProblem[] {
  const messages = handlers.filter(({ kind, rule }) => kind === 'rpc' && rule.requirements);
  return messages.flatMap((handler) => {
    if (handler.isGuarded && !mayLoseGuard(handler, modules)) return [];
    const why = handler.isGuarded ? WITHOUT_METADATA : 'drops global guards';
    return [{ path: handler.name, message: `${HYBRID} ${why}. Put @Authenticated(), other requirements or @Public() on the class` }];
  });
}

const HYBRID = 'handles messages in an application that serves HTTP too, where connectMicroservice';
const WITHOUT_METADATA = 'drops global guards, and an instance may have a function in place of the method (bound or wrapped), without its guard';

/**
 * Whether an instance may have a function in place of a guarded method: Nest reads the guards from the instance's function. Request-scoped and transient
 * instances do not exist yet, so they may have one.
 */
function mayLoseGuard({ owner, key }: Handler, modules: ModulesContainer): boolean {
  if (isGuarded(owner)) return false;
  const places = [...modules.values()].flatMap(({ controllers, providers }) => [controllers, providers]);
  const wrappers = places.flatMap((all) => [...all.values()].filter(({ metatype }) => metatype === owner));
  return wrappers.some((wrapper) => {
    if (!wrapper.isDependencyTreeStatic() || wrapper.isTransient) return true;
    const standIn: unknown = wrapper.instance && Reflect.get(wrapper.instance, key);
    return typeof standIn === 'function' && !isGuarded(standIn);
  });
}

/**
 * Returns gateways that are served twice. A microservice with `deferInitialization` starts the whole application once more, gateways included, and without
 * `inheritAppConfig` it starts them without guards.
 */
export function problemsOfSockets(gateways: readonly Type[], { bound }: GuardedSockets, starts: number): ConfigurationProblem[] {
  const closed = gateways.filter((gateway) => ruleOfClass(gateway).requirements);
  if (starts < 2 || closed.length === 0 || bound() >= starts * gateways.length) return [];
  return closed.map(({ name }) => ({
    path: name,
    message: 'is served a second time, without guards, by connectMicroservice({ ... }, { deferInitialization: true }). Add inheritAppConfig: true',
  }));
}

/**
 * Returns message handlers of gateways that lack a guard of their own, if Nest runs no global guards for them, as before NestJS 12.
 *
 * @param config shows the version of NestJS, by a method that only NestJS 12 and later have
 */
export function problemsOfGateways(handlers: readonly Handler[], modules: ModulesContainer, config: ApplicationConfig): ConfigurationProblem[] {
  if ('getGlobalPreRequestHooks' in config) return [];
  return handlers
    .filter((handler) => handler.kind === 'ws' && handler.rule.requirements && (!handler.isGuarded || mayLoseGuard(handler, modules)))
    .map(({ name }) => ({ path: name, message: WITHOUT_GLOBAL_GUARDS }));
}

const WITHOUT_GLOBAL_GUARDS =
  'handles messages of a gateway, for which NestJS 11 runs no global guards. Put @Authenticated(), other requirements or @Public() on the class';

/** Returns GraphQL field and reference resolvers with requirements, if Nest runs no guards for them. */
export function problemsOfFields(handlers: readonly Handler[], modules: ModulesContainer): ConfigurationProblem[] {
  if (runsGuardsForFields(modules)) return [];
  return handlers
    .filter(({ isField, at, rule }) => isField && rule.requirements && (rule.marked || at === 'reference'))
    .map(({ name, at }) => ({
      path: name,
      message: `is a ${at === 'reference' ? 'reference' : 'field'} resolver, for which Nest runs no guards. Set fieldResolverEnhancers: ['guards'] in GraphQLModule, or put @Public() on it`,
    }));
}

function runsGuardsForFields(modules: ModulesContainer): boolean {
  const given = [...modules.values()].flatMap(({ providers }) => {
    const options = providers.get('GqlModuleOptions')?.instance as { fieldResolverEnhancers?: readonly string[] } | null | undefined;
    return options ? [options] : [];
  });
  return given.length > 0 && given.every(({ fieldResolverEnhancers }) => fieldResolverEnhancers?.includes('guards'));
}
