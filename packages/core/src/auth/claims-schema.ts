/** A schema of zod, valibot, ArkType or any other library that implements Standard Schema, version 1. `C` is its output type. */
export interface ClaimsSchema<C extends object = object> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<C> | Promise<SchemaResult<C>>;
    readonly types?: { readonly input: unknown; readonly output: C } | undefined;
  };
}

export type SchemaResult<C> = { readonly value: C; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}
