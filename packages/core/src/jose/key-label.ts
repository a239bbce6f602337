/** The tenant in a key set for all tenants (Entra ID's `discovery/v2.0/keys`), in any case. */
const PLACEHOLDER = /\{tenantid\}/i;
/** A tenant in an issuer identifier. */
const SEGMENT = /^[A-Za-z0-9.-]{1,64}$/;

/**
 * Whether a key may verify an issuer's tokens according to the member `issuer` of its JWK, which Entra ID writes. The label is the exact issuer, or has
 * `{tenantid}` in place of the tenant (https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-signing-key-issuer).
 *
 * @param label undefined if the JWK has no such member
 */
export function isLabelledFor(label: string | undefined, issuer: string): boolean {
  if (label === undefined || label === issuer) return true;
  const [before, after, more] = label.split(PLACEHOLDER);
  if (after === undefined || more !== undefined || !issuer.startsWith(before!) || !issuer.endsWith(after)) return false;
  return SEGMENT.test(issuer.slice(before!.length, issuer.length - after.length));
}
