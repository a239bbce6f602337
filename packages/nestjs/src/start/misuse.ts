import { misuse, plainOptions } from '@tokenward/core/adapter';
import type { ExecutionContext } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer, type ModuleRef } from '@nestjs/core';
import { ConfigurationError } from '@tokenward/core';
import { findHandlers } from '../rules/handlers.js';

/**
 * Throws if the module was imported as a bare class: Nest accepts that, and handlers without decorators would be open.
 *
 * @param remedy what to write instead
 */
export function assertGuards(path: string, guards: object | undefined, remedy: string): void {
  if (guards) return;
  throw misuse(path, `is imported without its options, so no handler would be guarded. Write ${remedy}`);
}

/** Throws for a promise, a class or a string: these have no members of their own, so they would count as empty options. */
export function assertOptions(path: string, options: unknown): void {
  if (typeof (options as { then?: unknown } | null)?.then === 'function') {
    throw misuse(path, 'got a promise. Write TokenwardModule.forRootAsync({ useFactory: () => promise }), or await it first');
  }
  plainOptions(options as object, path);
}

const ASYNC = 'TokenwardModule.forRootAsync';
const SOURCES = ['useFactory', 'useClass', 'useExisting'] as const;
const MEMBERS: ReadonlySet<string> = new Set([...SOURCES, 'imports', 'inject', 'provideInjectionTokensFrom', 'name']);
const SAMPLE = 'forRootAsync({ inject: [Config], useFactory: (config) => ({ issuer: config.issuer, audience: config.audience }) })';

/** Throws for options of the guard next to the factory: they would not reach the guard, and a requirement among them would be lost. */
export function assertAsyncOptions(options: unknown): void {
  assertOptions(ASYNC, options);
  const given = options as Readonly<Record<string, unknown>>;
  const sources = SOURCES.filter((name) => given[name] !== undefined && given[name] !== null);
  if (sources.length === 0) throw misuse(ASYNC, `has no source of options. Write ${SAMPLE}`);
  if (sources.length > 1) throw misuse(ASYNC, `has ${sources.join(' and ')}. Keep one of them`);
  const source = sources[0]!;
  if (source !== 'useExisting' && typeof given[source] !== 'function') throw misuse(`${ASYNC} ${source}`, `is not a function. Write ${SAMPLE}`);
  const ignored = Object.keys(given).filter((name) => !MEMBERS.has(name));
  const place = source === 'useFactory' ? source : 'createGuardOptions';
  const problems = ignored.map((name) => ({ path: `${ASYNC} ${name}`, message: `would be ignored next to ${source}. Return it from ${place} instead` }));
  if (problems.length > 0) throw new ConfigurationError(problems);
}

export const IMPORT_IT = 'Write imports: [TokenwardModule.forRoot({ issuer, audience })] in the root module';

/** @throws ConfigurationError for anything but an ExecutionContext, such as a request */
export function assertContext(context: ExecutionContext): void {
  if (!isContext(context)) {
    throw misuse('canActivate', 'needs the ExecutionContext of a handler. In middleware, where there is none, write await guard.check(request)');
  }
}

function isContext(given: Partial<ExecutionContext> | null | undefined): boolean {
  return (
    typeof given?.getArgs === 'function' &&
    typeof given.getArgByIndex === 'function' &&
    typeof given.getType === 'function' &&
    typeof given.getClass?.() === 'function' &&
    typeof given.getHandler?.() === 'function'
  );
}

/**
 * Throws if decorators are used without the module where they matter. A worker's application context may have controllers, but nothing serves them.
 *
 * @throws ConfigurationError if there is an HTTP server, or a handler of messages
 */
export function assertNotServing(module: ModuleRef): void {
  const { httpAdapter } = module.get(HttpAdapterHost, { strict: false });
  const handlers = findHandlers(module.get(ModulesContainer, { strict: false }), module.get(ApplicationConfig, { strict: false }));
  if (httpAdapter || handlers.some(({ kind }) => kind === 'rpc')) {
    throw misuse('TokenwardModule', `is not imported, though decorators or guards of tokenward are used. ${IMPORT_IT}`);
  }
}
