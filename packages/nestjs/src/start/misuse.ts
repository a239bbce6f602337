import { misuse, plainOptions } from '@tokenward/core/adapter';
import type { ExecutionContext } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer, type ModuleRef } from '@nestjs/core';
import { ConfigurationError } from '@tokenward/core';
import { findHandlers } from '../rules/handlers.js';

/**
 * Nest instantiates a module class that is imported without its options, too. Nothing would then guard the handlers that say nothing themselves.
 *
 * @param written what to write instead
 */
export function assertGuards(path: string, guards: object | undefined, written: string): void {
  if (guards) return;
  throw misuse(path, `is imported without its options, so no handler would be guarded. Write ${written}`);
}

/** A promise, a class or a text has no members of its own, and would be read like no options at all. */
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

/** What stands beside the factory never reaches the guard, so a demand that was written there would be dropped. */
export function assertAsyncOptions(options: unknown): void {
  assertOptions(ASYNC, options);
  const given = options as Readonly<Record<string, unknown>>;
  const sources = SOURCES.filter((name) => given[name] !== undefined && given[name] !== null);
  if (sources.length === 0) throw misuse(ASYNC, `has nothing that gives the options. Write ${SAMPLE}`);
  if (sources.length > 1) throw misuse(ASYNC, `has ${sources.join(' and ')}. Keep one of them`);
  const source = sources[0]!;
  if (source !== 'useExisting' && typeof given[source] !== 'function') throw misuse(`${ASYNC} ${source}`, `is not a function. Write ${SAMPLE}`);
  const beside = Object.keys(given).filter((name) => !MEMBERS.has(name));
  const place = source === 'useFactory' ? source : 'createGuardOptions';
  const problems = beside.map((name) => ({ path: `${ASYNC} ${name}`, message: `would be ignored beside ${source}. Return it from ${place} instead` }));
  if (problems.length > 0) throw new ConfigurationError(problems);
}

export const IMPORT_IT = 'Write imports: [TokenwardModule.forRoot({ issuer, audience })] in the root module';

/** @throws Error for what is no context of Nest's: a request, say, or nothing */
export function assertContext(context: ExecutionContext): void {
  if (!isContext(context)) {
    throw misuse('canActivate', 'needs the ExecutionContext of a handler. Ahead of handlers, in middleware say, write await guard.check(request)');
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
 * A worker's application context may have controllers, of which nobody serves anything.
 *
 * @throws ConfigurationError where there is an HTTP server, or messages are handled
 */
export function assertNotServing(module: ModuleRef): void {
  const { httpAdapter } = module.get(HttpAdapterHost, { strict: false });
  const handlers = findHandlers(module.get(ModulesContainer, { strict: false }), module.get(ApplicationConfig, { strict: false }));
  if (httpAdapter || handlers.some(({ kind }) => kind === 'rpc')) {
    throw misuse('TokenwardModule', `is not imported, though decorators or guards of tokenward are used. ${IMPORT_IT}`);
  }
}
