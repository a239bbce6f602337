import { redisIntrospections, redisReplays, redisRevocations } from '@tokenward/redis';

// all of these are optional; the guard itself reads ISSUER_BASE_URL and AUDIENCE
const {
  DPOP_NONCE_SECRET,
  INTROSPECTION_CLIENT_ID,
  INTROSPECTION_CLIENT_SECRET,
  LOGOUT_CLIENT_ID,
  PUBLIC_ORIGIN,
  REDIS_URL: url,
  SENDER_CONSTRAINT,
} = process.env;

// what all processes of this API share; without Redis each process has its own
const store = url ? redisRevocations({ url }) : undefined;
const replays = url ? redisReplays({ url }) : undefined;
const cache = url ? redisIntrospections({ url }) : undefined;

export const options = {
  publicOrigin: PUBLIC_ORIGIN,
  introspection: INTROSPECTION_CLIENT_ID ? { clientId: INTROSPECTION_CLIENT_ID, clientSecret: INTROSPECTION_CLIENT_SECRET, cache } : undefined,
  revocations: { store },
  dpop: { ...(DPOP_NONCE_SECRET && { nonceSecret: DPOP_NONCE_SECRET }), replays },
  // dpop, mtls or any: every token must be bound
  senderConstraint: (SENDER_CONSTRAINT || undefined) as 'dpop' | 'mtls' | 'any' | undefined,
};

/** Logout tokens of the authorization server are received for this client. */
export const logout = LOGOUT_CLIENT_ID ? { clientId: LOGOUT_CLIENT_ID, replays } : undefined;

/** A guard does not close the stores that were given to it. */
export async function closeStores(): Promise<void> {
  await Promise.all([store?.close(), replays?.close(), cache?.close()]);
}
