import type { ClaimsSchema, SchemaIssue } from '../auth/claims-schema.js';
import type { JsonObject } from '../lib/json.js';
import { isThenable } from '../lib/thenable.js';

/**
 * Validates claims with a schema.
 *
 * @returns a frozen copy of the schema's output; or a string that says what is wrong, without any value of the token
 */
export function parseClaims(schema: ClaimsSchema, claims: JsonObject): object | string {
  try {
    const result = schema['~standard'].validate(claims);
    if (isThenable(result)) {
      Promise.resolve(result).catch(() => {});
      return 'claims: the schema returned a promise; it must validate synchronously';
    }
    const { issues } = result;
    // anything but undefined is a failure, even if it is not a list
    if (issues !== undefined) return `claims: ${namesIn(issues, schema, claims) || 'as a whole'}`;
    const { value } = result;
    if (typeof value !== 'object' || value === null) return 'claims: the output of the schema is not an object';
    return (
      frozenCopy(value, new Map()) ??
      'claims: the output of the schema holds something other than plain objects, arrays and primitive values, or a member called __proto__'
    );
  } catch {
    // the message is not shown: it may quote anything in the token
    return 'claims: the schema threw an error';
  }
}

/** Returns names of claims that are registered or in the schema. A name that occurs only in the token may be any text, so it is not shown. */
function namesIn(issues: unknown, schema: ClaimsSchema, claims: JsonObject): string {
  if (!Array.isArray(issues)) return '';
  // the members of an object schema: `shape` in zod, `entries` in valibot
  const { shape, entries } = schema as { readonly shape?: unknown; readonly entries?: unknown };
  const text = JSON.stringify(claims);
  const isShowable = (name: string): boolean =>
    REGISTERED.has(name) || [shape, entries].some((members) => isObject(members) && Object.hasOwn(members, name)) || !text.includes(name);

  const names = new Set<string>();
  for (const { path } of issues as SchemaIssue[]) {
    const name = firstName(path ?? []);
    names.add(!path?.length ? 'as a whole' : name !== undefined && isShowable(name) ? name : 'one of them');
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
 * Copies the output of a schema and freezes the copy. The original may belong to the app, so it is not frozen itself.
 *
 * @param copies the objects copied so far, because the output may be circular
 * @returns undefined if something in it stays writable when frozen, such as a Date or a Map
 */
function frozenCopy(value: object, copies: Map<object, object>): object | undefined {
  const known = copies.get(value);
  if (known) return known;
  if (!Array.isArray(value) && !isPlain(value)) return undefined;
  const copy: object = Array.isArray(value) ? [] : {};
  copies.set(value, copy);
  for (const name of Object.keys(value)) {
    // copying such a member by assignment would set the prototype of the copy
    if (name === '__proto__') return undefined;
    const inner = (value as JsonObject)[name];
    const copied = isObject(inner) ? frozenCopy(inner, copies) : inner;
    if (copied === undefined && inner !== undefined) return undefined;
    // not by assignment: a polluted prototype may have a setter of that name
    Object.defineProperty(copy, name, { value: copied, enumerable: true });
  }
  return Object.freeze(copy);
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** Returns whether an object comes from a literal or from JSON, in any realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Returns whether a value implements Standard Schema, version 1. */
export function isClaimsSchema(value: unknown): value is ClaimsSchema {
  const standard = (Object(value) as Partial<ClaimsSchema>)['~standard'];
  return typeof standard === 'object' && typeof standard?.validate === 'function' && standard.version === 1;
}
