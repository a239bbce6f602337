import type { JsonObject } from '../lib/json.js';
import { isThenable } from '../lib/thenable.js';

/** A schema as zod, valibot, ArkType and others make them (Standard Schema, version 1). */
export interface ClaimsSchema<C extends object = object> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<C> | Promise<SchemaResult<C>>;
    readonly types?: { readonly input: unknown; readonly output: C } | undefined;
  };
}

type SchemaResult<C> = { readonly value: C; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema makes of claims, copied and frozen; a string names what is wrong with them, without any value of theirs. */
export function parseClaims(schema: ClaimsSchema, claims: JsonObject): object | string {
  try {
    const result = schema['~standard'].validate(claims);
    if (isThenable(result)) {
      Promise.resolve(result).catch(() => {});
      return 'claims: the schema answers with a promise, and must answer at once';
    }
    const { issues } = result;
    // whatever else stands there: only where there is nothing, the claims satisfied the schema
    if (issues !== undefined) return `claims: ${namesIn(issues, schema, claims) || 'as a whole'}`;
    const { value } = result;
    if (typeof value !== 'object' || value === null) return 'claims: the schema makes no object of them';
    return (
      frozenCopy(value, new Map()) ?? 'claims: the schema makes something else than plain objects, arrays and values of them, or a member called __proto__'
    );
  } catch {
    // its message may quote anything that the token holds
    return 'claims: the schema failed with an error of its own';
  }
}

/** Names that are the schema's or our own: one that stands in the token, as a name or in a value, may be anybody's text. */
function namesIn(issues: unknown, schema: ClaimsSchema, claims: JsonObject): string {
  if (!Array.isArray(issues)) return '';
  // where zod and valibot keep the members of an object
  const { shape, entries } = schema as { readonly shape?: unknown; readonly entries?: unknown };
  const text = JSON.stringify(claims);
  const isOwnWord = (name: string): boolean =>
    REGISTERED.has(name) || [shape, entries].some((members) => isObject(members) && Object.hasOwn(members, name)) || !text.includes(name);

  const names = new Set<string>();
  for (const { path } of issues as SchemaIssue[]) {
    const name = firstName(path ?? []);
    names.add(!path?.length ? 'as a whole' : name !== undefined && isOwnWord(name) ? name : 'one of them');
    if (names.size === 5) break;
  }
  return [...names].join(', ');
}

function firstName([part]: NonNullable<SchemaIssue['path']>): string | undefined {
  const key = typeof part === 'object' ? part.key : part;
  return typeof key === 'string' && /^[A-Za-z_][A-Za-z0-9_:./-]{0,63}$/.test(key) ? key : undefined;
}

const REGISTERED: ReadonlySet<string> = new Set('iss sub aud exp nbf iat jti sid client_id azp act cnf scope scp roles acr amr auth_time'.split(' '));

/**
 * What a schema makes may be the app's own, which is not ours to freeze. Only own members with names are copied.
 *
 * @param copies what was copied before: it may lead back to itself
 * @returns undefined where there is something that could be written to in spite of being frozen, as a Date or Map
 */
function frozenCopy(value: object, copies: Map<object, object>): object | undefined {
  const known = copies.get(value);
  if (known) return known;
  if (!Array.isArray(value) && !isPlain(value)) return undefined;
  const copy: object = Array.isArray(value) ? [] : {};
  copies.set(value, copy);
  for (const name of Object.keys(value)) {
    // as in claims themselves: who copies such a member by assignment sets the copy's prototype
    if (name === '__proto__') return undefined;
    const inner = (value as JsonObject)[name];
    const copied = isObject(inner) ? frozenCopy(inner, copies) : inner;
    if (copied === undefined && inner !== undefined) return undefined;
    // no assignment, since a polluted prototype may have a setter of that name
    Object.defineProperty(copy, name, { value: copied, enumerable: true });
  }
  return Object.freeze(copy);
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** An object as literals and JSON make them, in any realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Whether something is such a schema, and answers at once. */
export function isClaimsSchema(value: unknown): value is ClaimsSchema {
  const standard = (Object(value) as Partial<ClaimsSchema>)['~standard'];
  return typeof standard === 'object' && typeof standard?.validate === 'function' && standard.version === 1;
}
