/** As a set of keys for all tenants writes it (Entra ID's `discovery/v2.0/keys`), in any case. */
const PLACEHOLDER = /\{tenantid\}/i;
/** A tenant, as it stands in an issuer. */
const SEGMENT = /^[A-Za-z0-9.-]{1,64}$/;

/**
 * Whether a key may verify an issuer's tokens by what its JWK says of itself in `issuer`, a member that Entra ID writes: the issuer to the letter, or
 * one with `{tenantid}` in the place of a tenant (https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-signing-key-issuer).
 *
 * @param label undefined: it says nothing of it
 */
export function isLabelledFor(label: string | undefined, issuer: string): boolean {
  if (label === undefined || label === issuer) return true;
  const [before, after, more] = label.split(PLACEHOLDER);
  if (after === undefined || more !== undefined || !issuer.startsWith(before!) || !issuer.endsWith(after)) return false;
  return SEGMENT.test(issuer.slice(before!.length, issuer.length - after.length));
}
