import type { ClaimsSchema } from './claims-schema.js';
import type { Claims } from './claims.js';

/**
 * Declares the type of your app's claims, once, by declaration merging. Write the member `claims`: the type of the schema that your guard's `claims`
 * option has, or a type of your own. Then every `Auth` without a type argument has these claims. The declaration changes types only: a guard without a
 * schema checks nothing.
 *
 * The member `requestAuth` is the type of `req.auth` in Express, if another package declares the same property with another type: write `unknown`.
 *
 * @example
 * declare module '@tokenward/express' {
 *   interface Register { claims: typeof claimsSchema }
 * }
 */
export interface Register {}

/** The claims of an app: what {@link Register} declares, or {@link Claims}. For a schema, its output type. */
export type AppClaims = Register extends { readonly claims: infer Declared } ? DeclaredClaims<Declared> : Claims;

/** The claims from a guard without a schema. A declared type applies to them. The output of a declared schema does not, because no schema has run. */
export type ClaimsWithoutSchema = Register extends { readonly claims: { readonly '~standard': unknown } } ? Claims : AppClaims;

type DeclaredClaims<D> = 0 extends 1 & D
  ? Claims
  : D extends ClaimsSchema<infer Output>
    ? Output
    : D extends { readonly '~standard': unknown }
      ? Claims
      : D extends object
        ? D
        : Claims;
