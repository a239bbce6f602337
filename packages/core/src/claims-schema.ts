import type { JsonObject } from './access-token/json.js';

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

/** What a schema makes of claims; a string names what is wrong with them, without any value of theirs. */
export function parseClaims(schema: ClaimsSchema, claims: JsonObject): object | string {
  try {
    const result = schema['~standard'].validate(claims);
    if (isThenable(result)) {
      Promise.resolve(result).catch(() => {});
      return 'claims: the schema answers with a promise, and must answer at once';
    }
    if (result.issues) return `claims: ${[...new Set(result.issues.map(pathOf))].slice(0, 5).join(', ') || 'as a whole'}`;
    return typeof result.value === 'object' && result.value !== null ? deeplyFrozen(result.value) : 'claims: the schema makes no object of them';
  } catch {
    // its message may quote anything that the token holds
    return 'claims: the schema failed with an error of its own';
  }
}

function isThenable(result: unknown): result is PromiseLike<unknown> {
  return typeof (result as { then?: unknown } | null | undefined)?.then === 'function';
}

/** A name that the schema knows: those within a claim may be the token's own. */
function pathOf({ path = [] }: SchemaIssue): string {
  const names = path.map((part) => String(typeof part === 'object' ? part.key : part));
  return names.length === 0 ? 'as a whole' : names[0]!.slice(0, 100).replace(/[^\x20-\x7e]/g, ' ');
}

/** What a schema makes may be frozen at its surface alone, lead back to itself, or hold bytes, which can't be frozen. */
function deeplyFrozen<T extends object>(value: T, seen: Set<object> = new Set()): T {
  if (seen.has(value) || ArrayBuffer.isView(value)) return value;
  seen.add(value);
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null) deeplyFrozen(inner as object, seen);
  return Object.freeze(value);
}

/** Whether something is such a schema, and answers at once. */
export function isClaimsSchema(value: unknown): value is ClaimsSchema {
  const standard = (Object(value) as Partial<ClaimsSchema>)['~standard'];
  return typeof standard === 'object' && typeof standard?.validate === 'function' && standard.version === 1;
}
