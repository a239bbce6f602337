import type { BackchannelLogoutOptions, MessageReceiver, ReceiverAnswer } from '@tokenward/core';
import { MAX_MESSAGE_BYTES, readRequestBody } from '@tokenward/core/adapter';
import { misuse, type ReplayStore } from '@tokenward/core/store';
import { decodeJwt } from 'jose';
import type { IssuerLogout } from '../sessions.js';
import type { SessionRouteContext } from './session-route.js';

type Parts = Pick<SessionRouteContext, 'config' | 'sessions' | 'publish' | 'refresher'>;

/** Creates a receiver of logout tokens: `backchannelLogout` of the guard that verifies them. */
export type CreateReceiver = (options: BackchannelLogoutOptions) => MessageReceiver;

/**
 * How far the clocks may differ. A login also accepts an ID token from 10 minutes ago. If a wrong clock made the app refuse a logout token, a user would stay
 * logged in. A logout token that arrives late ends only sessions that began before it.
 */
const MAX_SKEW_SECONDS = 600;

/**
 * Creates the route at which the issuer ends sessions: `POST <path>/backchannel-logout` (OpenID Connect Back-Channel Logout 1.0). The signature of the
 * logout token is all that it needs, so it asks for no cookie and no custom header (rule 118).
 *
 * @param replays remembers which logout tokens were used
 */
export function createBackchannelLogoutRoute({ config, sessions, publish, refresher }: Parts, createReceiver: CreateReceiver, replays: ReplayStore) {
  return async function backchannelLogoutRoute(request: Request): Promise<Response> {
    // otherwise the answer would say that the logout token is wrong, and the sessions would not end
    if (request.bodyUsed) throw misuse('session.handle(request)', 'got a request whose body was read before. Let other code read request.clone()');
    const body = await readRequestBody(request, MAX_MESSAGE_BYTES);
    let ending: Promise<void> | undefined;
    const endSessions = (): Promise<void> => (ending ??= endNamed(body!));
    // A receiver for this message: the sessions in the store must end before the token is remembered as used, so that the issuer can send it again after a failure.
    const receive = createReceiver({
      clientId: config.clientId,
      clockSkewSeconds: MAX_SKEW_SECONDS,
      replays: {
        async add(name, ttlSeconds, owner) {
          await endSessions();
          return replays.add(name, ttlSeconds, owner);
        },
      },
    });
    const answer = await receive({ method: request.method, headers: { 'content-type': request.headers.get('content-type') ?? undefined }, body });
    // The token is valid, and the revocations may have failed before the store was asked. The issuer may never send the token again.
    if (answer.failure === 'store') await endSessions().catch(() => {});
    report(answer);
    return new Response(answer.body === '' ? null : answer.body, { status: answer.status, headers: answer.headers as Record<string, string> });
  };

  async function endNamed(body: Uint8Array): Promise<void> {
    for (const state of await sessions.endAtIssuer({ issuer: config.issuer, ...namesIn(body) })) refresher.revokeLeft(state);
  }

  function report({ status, failure }: ReceiverAnswer): void {
    if (status === 200) publish('end', 'done', 'backchannel_logout');
    // that of the sessions, or that of the revocations
    else if (failure === 'store') publish('end', 'failed', 'store_unavailable');
    else if (failure === 'issuer' || failure === 'keys') publish('end', 'failed', 'issuer_unavailable');
    // anybody can name a key that nobody knows, which says nothing about the issuer
    else publish('end', 'refused', 'invalid_logout_token');
  }
}

/** Returns whom a logout token names, and when the logout was. Its signature and claims have been verified. A claim that is null counts as absent. */
function namesIn(body: Uint8Array): Omit<IssuerLogout, 'issuer'> {
  const claims = decodeJwt(new URLSearchParams(Buffer.from(body).toString()).get('logout_token')!);
  const text = (name: string): string | undefined => {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  return { subject: text('sub'), issuerSessionId: text('sid'), issuedUntil: Math.floor(claims.iat!) };
}
