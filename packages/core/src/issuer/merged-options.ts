import { shownMember } from '../lib/shown-option.js';
import type { ClaimValue, ClaimValues, IssuerOptions } from './issuer-options.js';

type Demands = Pick<IssuerOptions, 'requiredClaims' | 'requiredValues' | 'forbiddenClaims' | 'forbiddenValues' | 'allowedClients'>;
type Mutable<O> = { -readonly [N in keyof O]: O[N] };

/** Reports an option that contradicts another one. */
export type WrongOption = (name: string, message: string) => void;

/**
 * Merges the options next to `issuers` with those of one issuer. Demands on tokens add up: required and forbidden claims and values, allowed clients and
 * time limits. For all other options (audience, algorithms, where roles are), the issuer's own value replaces the default. An option that is
 * undefined counts as not set.
 */
export function mergedOptions(defaults: IssuerOptions, one: IssuerOptions, wrong: WrongOption): IssuerOptions {
  const own = definedMembers(withDemands(one, wrong)) as IssuerOptions;
  const result: Mutable<IssuerOptions> = { ...defaults, ...own, ...combinedDemands(defaults, own, 'next to issuers', wrong) };
  for (const name of ['maxTokenAgeSeconds', 'maxTokenLifetimeSeconds'] as const) {
    if (typeof defaults[name] === 'number' && typeof own[name] === 'number') result[name] = Math.min(defaults[name], own[name]);
  }
  if (isPlain(defaults.keyFetching) && isPlain(own.keyFetching)) {
    const { ca, caFile, ...others } = defaults.keyFetching as NonNullable<IssuerOptions['keyFetching']>;
    const authorities = own.keyFetching.ca === undefined && own.keyFetching.caFile === undefined ? definedMembers({ ca, caFile }) : {};
    result.keyFetching = { ...others, ...authorities, ...definedMembers(own.keyFetching) };
  }
  // an audience option of the issuer replaces either form of the default
  if (own.audience !== undefined) delete result.unsafeAcceptTokensForAnyAudience;
  if (own.unsafeAcceptTokensForAnyAudience === true && own.audience === undefined) delete result.audience;
  return result;
}

function definedMembers(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

const DEMANDS = Symbol.for('tokenward.demands');

/** Attaches the demands of a preset to its result, so that options spread over it (`{ ...keycloak(...), requiredClaims }`) add to them. */
export function keepDemands<O extends IssuerOptions>(options: O): O {
  const { requiredClaims, requiredValues, forbiddenClaims, forbiddenValues, allowedClients } = options;
  return { ...options, [DEMANDS]: Object.freeze({ requiredClaims, requiredValues, forbiddenClaims, forbiddenValues, allowedClients }) };
}

/** Returns the demands of the preset that the options were created from, if any. */
export function demandsOf(options: object): Demands | undefined {
  return Object.hasOwn(options, DEMANDS) ? (options as { [DEMANDS]: Demands })[DEMANDS] : undefined;
}

/** Returns options combined with the demands of the preset that they were created from. */
export function withDemands<O extends IssuerOptions>(options: O, wrong: WrongOption): O {
  const demands = demandsOf(options);
  return demands ? { ...options, ...combinedDemands(demands, options, 'of the preset', wrong) } : options;
}

/** Combines demands. A value of the wrong type is passed on, so that the option's reader reports it. */
function combinedDemands(some: Demands, others: Demands, whose: string, wrong: WrongOption): Demands {
  const result: Mutable<Demands> = {};
  if (some.requiredClaims !== undefined) result.requiredClaims = bothLists(some.requiredClaims, others.requiredClaims);
  if (some.forbiddenClaims !== undefined) result.forbiddenClaims = bothLists(some.forbiddenClaims, others.forbiddenClaims);
  if (some.requiredValues !== undefined) result.requiredValues = valuesOf(some.requiredValues, others.requiredValues, whose, wrong);
  if (some.forbiddenValues !== undefined) {
    result.forbiddenValues = eitherValues(some.forbiddenValues, others.forbiddenValues ?? {}, 'forbiddenValues', (path) => {
      wrong(path, `must have the same form as ${path} ${whose}: values of the claim itself, or those of its members`);
    });
  }
  if (some.allowedClients !== undefined) result.allowedClients = clientsOf(some.allowedClients, others.allowedClients, whose, wrong);
  return result;
}

function bothLists<V>(some: readonly V[], others: readonly V[] | undefined): readonly V[] {
  return others === undefined ? some : isList(others) ? [...new Set([...some, ...(others as readonly V[])])] : others;
}

function valuesOf(some: ClaimValues, others: ClaimValues | undefined, whose: string, wrong: WrongOption): ClaimValues {
  if (others === undefined) return some;
  if (!isPlain(others)) return others;
  return commonValues(some, others, 'requiredValues', (path) => {
    wrong(path, `allows no value that ${path} ${whose} allows, so every token would be refused. Change one of them.`);
  });
}

/** Returns the values that both allow. The members of claims are compared one by one. */
export function commonValues(some: ClaimValues, others: ClaimValues, path: string, contradict: (path: string) => void): ClaimValues {
  const both = Object.entries(others).map(([name, values]): [string, ClaimValues[string]] => {
    if (!Object.hasOwn(some, name)) return [name, values];
    const [one, at] = [some[name]!, `${path}.${shownMember(name)}`];
    if (isPlain(one) && isPlain(values)) return [name, commonValues(one, values, at, contradict)];
    const allowed = new Set<unknown>([one].flat());
    const left = [values].flat().filter((value) => allowed.has(value));
    if (left.length > 0) return [name, left as ClaimValue[]];
    contradict(at);
    return [name, one];
  });
  return { ...some, ...Object.fromEntries(both) };
}

/** Returns the values that one or the other forbids. A value of the wrong type is passed on, so that the option's reader reports it. */
export function eitherValues(some: ClaimValues, others: ClaimValues, path: string, contradict: (path: string) => void): ClaimValues {
  if (!isPlain(others)) return others;
  const both = Object.entries(others).map(([name, values]): [string, ClaimValues[string]] => {
    if (!Object.hasOwn(some, name)) return [name, values];
    const [one, at] = [some[name]!, `${path}.${shownMember(name)}`];
    if (isPlain(one) && isPlain(values)) return [name, eitherValues(one, values, at, contradict)];
    if (!isPlain(one) && !isPlain(values)) return [name, [...new Set([one, values].flat())] as ClaimValue[]];
    contradict(at);
    return [name, one];
  });
  return { ...some, ...Object.fromEntries(both) };
}

function clientsOf(some: readonly string[], others: Demands['allowedClients'], whose: string, wrong: WrongOption): Demands['allowedClients'] {
  if (others === undefined) return some;
  if (!isList(others)) return others;
  const left = some.filter((client) => others.includes(client));
  if (left.length === 0) wrong('allowedClients', `lists no client that allowedClients ${whose} lists, so every token would be refused. Change one of them.`);
  return left.length > 0 ? left : some;
}

/** Whether a value is a list with items. The option's reader reports an empty list. */
function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0;
}

function isPlain(value: unknown): value is ClaimValues & Exclude<object, readonly unknown[]> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
