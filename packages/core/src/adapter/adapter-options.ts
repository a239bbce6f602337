import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { ConfigurationError } from '../lib/configuration-error.js';
import type { Deny } from '../decision/decision.js';
import { notAnOption, OptionReader } from '../lib/option-reader.js';
import { shownName } from '../lib/shown-option.js';
import { checkOptions, OPTION_NAMES, type GuardOptions } from '../options.js';

/** The options that every adapter has beside core's. `Native` is what the framework hands to a handler: `[request, response]`, say. */
export interface AdapterOptions<Native extends readonly unknown[]> extends GuardOptions {
  /** The request's property that holds the {@link Auth}. Default: `auth`. */
  readonly property?: string | undefined;
  /**
   * Answers refusals instead of the guard: for bodies or pages of your own. The decision's status and headers are the ones to send; what it
   * throws goes the way of the framework's errors, and the handler behind the guard never runs. Where it returns the decision, the guard
   * answers as it would without it.
   */
  readonly onDenied?: ((decision: Deny, ...native: Native) => void | Deny | Promise<void | Deny>) | undefined;
  /**
   * Sees each refusal that the guard answers, ahead of the answer, and answers nothing: for a log. What it throws, or rejects with, changes nothing.
   *
   * @example onRefused: (decision, request) => request.log.info(decision.explain(), 'request refused')
   */
  readonly onRefused?: ((decision: Deny, request: Native[0]) => unknown) | undefined;
}

/** The property's name. What is wrong with these options is told together with what is wrong with the guard's. */
export function readAdapterOptions(
  own: Pick<AdapterOptions<never>, 'property' | 'onDenied' | 'onRefused'>,
  options: GuardOptions,
  moreOptions: readonly string[],
): string {
  const reader = new OptionReader(own, ['property', 'onDenied', 'onRefused']);
  const known: readonly string[] = [...OPTION_NAMES, 'property', 'onDenied', 'onRefused', ...moreOptions];
  const unknown = Object.keys(options).filter((option) => !known.includes(option));
  for (const option of unknown) reader.wrong(shownName(option), notAnOption(option, known));
  const property = reader.text('property', 'auth');
  if (property in new IncomingMessage(new Socket()) || OF_FRAMEWORKS.has(property)) {
    reader.wrong('property', `is "${property}", which requests have already: give a name of its own`);
  }
  reader.fn('onDenied');
  reader.fn('onRefused');
  if (reader.problems.length === 0) return property;
  try {
    checkOptions(Object.fromEntries(Object.entries(options).filter(([option]) => !unknown.includes(option))));
  } catch (error) {
    if (error instanceof ConfigurationError) reader.problems.push(...error.problems);
  }
  throw new ConfigurationError(reader.problems);
}

const OF_FRAMEWORKS = new Set([
  'app',
  'body',
  'cookies',
  'getDecorator',
  'host',
  'hostname',
  'id',
  'ip',
  'ips',
  'is404',
  'log',
  'mediaType',
  'next',
  'originalUrl',
  'params',
  'path',
  'protocol',
  'query',
  'raw',
  'res',
  'route',
  'routeOptions',
  'server',
  'session',
  'then',
  'validateInput',
  'ws',
]);
