import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { interactionPolicy } from 'oidc-provider';
import { SECOND_FACTOR } from '../cast.ts';

/** Why oidc-provider asks the user: the client requests a login with a second factor, and this session has none. */
export const SECOND_FACTOR_MISSING = 'second_factor_missing';

const key = randomBytes(32);

/** Returns oidc-provider's rules of when to ask the user, and one more: `acr_values` may request a second factor (RFC 9470). */
export function createPolicy(): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  const check = new interactionPolicy.Check(SECOND_FACTOR_MISSING, 'a second factor is required', ({ oidc }) => {
    const requested = oidc.params?.['acr_values'];
    return typeof requested === 'string' && requested.split(' ').includes(SECOND_FACTOR) && oidc.acr !== SECOND_FACTOR;
  });
  policy.get('login')!.checks.add(check);
  return policy;
}

/** Returns the six digits that finish one login. A real server would have the user's device make or receive them. */
export function codeOf(interactionId: string): string {
  const digest = createHmac('sha256', key).update(interactionId).digest();
  return String(digest.readUInt32BE(0) % 1_000_000).padStart(6, '0');
}

export function isCodeOf(interactionId: string, code: string): boolean {
  const [expected, given] = [codeOf(interactionId), code.replaceAll(' ', '')].map((text) => createHmac('sha256', key).update(text).digest());
  return timingSafeEqual(expected!, given!);
}
