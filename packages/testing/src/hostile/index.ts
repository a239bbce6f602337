import { claimRows } from './claims.js';
import { createForge, type HostileIssuer, type HostileToken, type HostileTokenOptions } from './hostile-token.js';
import { keyRows } from './keys.js';
import { parsingRows } from './parsing.js';

/**
 * Returns tokens that no guard of the issuer may accept, each with the rule that refuses it and the expected answer. Some need invalid keys in the issuer's
 * JWKS. The function publishes them, so call it before the guard fetches its keys.
 *
 * @example
 * for (const { rule, name, token, status } of await hostileTokens(issuer)) {
 *   test(`rule ${rule}: refuses ${name}`, async () => {
 *     const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
 *     expect(response.status).toBe(status);
 *   });
 * }
 */
export async function hostileTokens(issuer: HostileIssuer, options?: HostileTokenOptions): Promise<readonly HostileToken[]> {
  const forge = await createForge(issuer, options);
  return [...parsingRows(forge), ...(await keyRows(forge)), ...claimRows(forge)];
}
