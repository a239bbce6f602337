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
  const result = schema['~standard'].validate(claims);
  if (result instanceof Promise) {
    result.catch(() => {});
    return 'claims: the schema answers with a promise, and must answer at once';
  }
  if (result.issues) return `claims: ${[...new Set(result.issues.map(pathOf))].slice(0, 5).join(', ')}`;
  return typeof result.value === 'object' && result.value !== null ? deeplyFrozen(result.value) : 'claims: the schema makes no object of them';
}

/** Names that the schema knows: none that a token made up. */
function pathOf({ path = [] }: SchemaIssue): string {
  const names = path.map((part) => String(typeof part === 'object' ? part.key : part));
  return names.length === 0 ? 'as a whole' : names[0]!.slice(0, 100).replace(/[^\x20-\x7e]/g, ' ');
}

function deeplyFrozen<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === 'object' && inner !== null && !Object.isFrozen(inner)) deeplyFrozen(inner as object);
  return Object.freeze(value);
}

/** Whether something is such a schema, and answers at once. */
export function isClaimsSchema(value: unknown): value is ClaimsSchema {
  const standard = (Object(value) as Partial<ClaimsSchema>)['~standard'];
  return typeof standard === 'object' && typeof standard.validate === 'function' && standard.version === 1;
}
