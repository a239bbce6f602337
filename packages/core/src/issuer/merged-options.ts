import { shownMember } from '../lib/shown-option.js';
import type { IssuerOptions } from './issuer-options.js';

type Demands = Pick<IssuerOptions, 'requiredClaims' | 'requiredValues' | 'forbiddenClaims' | 'allowedClients'>;
type Mutable<O> = { -readonly [N in keyof O]: O[N] };

/** Says which option can't be right once both are put together. */
export type WrongOption = (name: string, message: string) => void;

/**
 * Puts one issuer's options over those that stand beside `issuers`. What an option demands of tokens is never dropped: required claims and
 * values, forbidden claims, allowed clients and limits of time add up. What an option names (audience, algorithms, where roles are) is a default,
 * and the issuer's own word takes its place. An option that is undefined says nothing.
 */
export function mergedOptions(defaults: IssuerOptions, one: IssuerOptions, wrong: WrongOption): IssuerOptions {
  const said = Object.fromEntries(Object.entries(withDemands(one, wrong)).filter(([, value]) => value !== undefined)) as IssuerOptions;
  const result: Mutable<IssuerOptions> = { ...defaults, ...said, ...addedUp(defaults, said, 'beside issuers', wrong) };
  for (const name of ['maxTokenAgeSeconds', 'maxTokenLifetimeSeconds'] as const) {
    if (typeof defaults[name] === 'number' && typeof said[name] === 'number') result[name] = Math.min(defaults[name], said[name]);
  }
  if (isPlain(defaults.keyFetching) && isPlain(said.keyFetching)) {
    const own = Object.entries(said.keyFetching).filter(([, value]) => value !== undefined);
    result.keyFetching = { ...defaults.keyFetching, ...Object.fromEntries(own) };
  }
  // the one that says nothing of its audience has the other's word
  if (said.audience !== undefined) delete result.unsafeAcceptTokensForAnyAudience;
  if (said.unsafeAcceptTokensForAnyAudience === true && said.audience === undefined) delete result.audience;
  return result;
}

const DEMANDS = Symbol.for('tokenward.demands');

/**
 * Has the demands of a preset travel with its result: whoever spreads other options over it (`{ ...keycloak(...), requiredClaims }`) adds to
 * them.
 */
export function keepDemands<O extends IssuerOptions>(options: O): O {
  const { requiredClaims, requiredValues, forbiddenClaims, allowedClients } = options;
  return { ...options, [DEMANDS]: Object.freeze({ requiredClaims, requiredValues, forbiddenClaims, allowedClients }) };
}

/** The demands that travel with options, if any. */
export function demandsOf(options: object): Demands | undefined {
  return Object.hasOwn(options, DEMANDS) ? (options as { [DEMANDS]: Demands })[DEMANDS] : undefined;
}

/** Options, and with them what a preset that they were made of demands. */
export function withDemands<O extends IssuerOptions>(options: O, wrong: WrongOption): O {
  const demands = demandsOf(options);
  return demands ? { ...options, ...addedUp(demands, options, 'of the preset', wrong) } : options;
}

/** What is of the wrong kind goes on as it is, for its reader to say so. */
function addedUp(some: Demands, others: Demands, whose: string, wrong: WrongOption): Demands {
  const result: Mutable<Demands> = {};
  for (const name of ['requiredClaims', 'forbiddenClaims'] as const) {
    const [one, other] = [some[name], others[name]];
    if (one !== undefined) result[name] = other === undefined ? one : isList(other) ? [...new Set([...one, ...other])] : other;
  }
  if (some.requiredValues !== undefined) result.requiredValues = valuesOf(some.requiredValues, others.requiredValues, whose, wrong);
  if (some.allowedClients !== undefined) result.allowedClients = clientsOf(some.allowedClients, others.allowedClients, whose, wrong);
  return result;
}

function valuesOf(
  some: NonNullable<Demands['requiredValues']>,
  others: Demands['requiredValues'],
  whose: string,
  wrong: WrongOption,
): Demands['requiredValues'] {
  if (others === undefined) return some;
  if (!isPlain(others)) return others;
  const both = Object.entries(others).map(([name, values]) => {
    if (!Object.hasOwn(some, name)) return [name, values] as const;
    const allowed = new Set([some[name]!].flat());
    const left = [values].flat().filter((value) => allowed.has(value));
    if (left.length > 0) return [name, left] as const;
    wrong(
      `requiredValues.${shownMember(name)}`,
      `allows no value that requiredValues.${shownMember(name)} ${whose} allows, so no token could pass. Change one of them.`,
    );
    return [name, some[name]!] as const;
  });
  return { ...some, ...Object.fromEntries(both) };
}

function clientsOf(some: readonly string[], others: Demands['allowedClients'], whose: string, wrong: WrongOption): Demands['allowedClients'] {
  if (others === undefined) return some;
  if (!isList(others)) return others;
  const left = some.filter((client) => others.includes(client));
  if (left.length === 0) wrong('allowedClients', `lists no client that allowedClients ${whose} lists, so no token could pass. Change one of them.`);
  return left.length > 0 ? left : some;
}

/** A list that says something: an empty one is a mistake, which its reader tells. */
function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
