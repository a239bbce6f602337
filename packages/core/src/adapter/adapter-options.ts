import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { ConfigurationError } from '../lib/configuration-error.js';
import type { Deny } from '../decision/decision.js';
import { notAnOption, OptionReader } from '../lib/option-reader.js';
import { shownName } from '../lib/shown-option.js';
import { checkOptions, OPTION_NAMES, type GuardOptions } from '../options.js';

/** The options that every adapter adds to core's. `Native` lists what the framework passes to a handler, such as `[request, response]`. */
export interface AdapterOptions<Native extends readonly unknown[]> extends GuardOptions {
  /** The name of the request's property that holds the {@link Auth}. Default: `auth`. */
  readonly property?: string | undefined;
  /**
   * Answers refusals instead of the guard, with a body or page of your own. Send the decision's status and headers. The guard itself adds the cookies of a
   * session, which are not among these headers. If the function returns the decision, the guard sends its usual answer. If it throws, the framework handles the
   * error. The route's handler never runs.
   */
  readonly onDenied?: ((decision: Deny, ...native: Native) => void | Deny | Promise<void | Deny>) | undefined;
  /**
   * The guard calls this function with each refusal before it answers, for example to log it. The function cannot change the answer, not even by an error.
   *
   * @example onRefused: (decision, request) => request.log.info(decision.explain(), 'request refused')
   */
  readonly onRefused?: ((decision: Deny, request: Native[0]) => unknown) | undefined;
}

/**
 * Returns the name of the property.
 *
 * @throws ConfigurationError that lists all invalid options, those of the guard included
 */
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
    reader.wrong('property', `is "${property}", which requests already have. Use another name`);
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

/** Properties that Express, Fastify or Koa already give a request. */
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
