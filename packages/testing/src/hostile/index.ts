import type { TestIssuer } from '../issuer.js';
import { claimRows } from './claims.js';
import { createForge, type HostileToken } from './hostile-token.js';
import { keyRows } from './keys.js';
import { parsingRows } from './parsing.js';

/**
 * Tokens that no guard of the issuer may accept, each with the rule that it breaks, and the answer that it must get. Some need odd keys in the
 * issuer's JWKS: they are published here, so call it before the guard fetches its keys.
 *
 * @example
 * for (const { rule, name, token, status } of await hostileTokens(issuer)) {
 *   test(`rule ${rule}: ${name}`, async () => {
 *     const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
 *     expect(response.status).toBe(status);
 *   });
 * }
 */
export async function hostileTokens(issuer: TestIssuer): Promise<readonly HostileToken[]> {
  const forge = await createForge(issuer);
  return [...parsingRows(forge), ...(await keyRows(forge)), ...claimRows(forge)];
}
