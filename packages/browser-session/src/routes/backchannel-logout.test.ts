import type { ReceiverAnswer } from '@tokenward/core';
import { memoryReplays } from '@tokenward/core/store';
import { createTestClock } from '@tokenward/testing';
import { UnsecuredJWT } from 'jose';
import { expect, test, vi } from 'vitest';
import { createBackchannelLogoutRoute } from './backchannel-logout.js';

/** Nobody has signed it: the receiver of these tests verifies nothing. */
const LOGOUT_TOKEN = new UnsecuredJWT({ sub: 'alice' }).setIssuedAt(1_800_000_000).encode();

test.each([
  [{ status: 200 }, 'end done backchannel_logout'],
  [{ status: 400 }, 'end refused invalid_logout_token'],
  [{ status: 503, failure: 'store' }, 'end failed store_unavailable'],
  [{ status: 503, failure: 'issuer' }, 'end failed issuer_unavailable'],
  [{ status: 503, failure: 'keys' }, 'end failed issuer_unavailable'],
  // anybody can name a key that nobody knows
  [{ status: 503, failure: 'key' }, 'end refused invalid_logout_token'],
] as const satisfies readonly (readonly [Partial<ReceiverAnswer>, string])[])(
  'an event tells of %j, whatever the words of the answer',
  async (answer, event) => {
    const events: string[] = [];
    const publish = (...words: readonly (string | undefined)[]): void => void events.push(words.filter(Boolean).join(' '));
    const endAtIssuer = vi.fn(async () => []);
    const parts = { config: { clientId: 'web-app', issuer: 'https://login.example.test' }, sessions: { endAtIssuer }, publish } as unknown as Parameters<
      typeof createBackchannelLogoutRoute
    >[0];
    const route = createBackchannelLogoutRoute(parts, () => async () => ({ headers: {}, body: 'other words', ...answer }), memoryReplays(createTestClock()));
    const response = await route(new Request('https://app.example/session/backchannel-logout', { method: 'POST', body: `logout_token=${LOGOUT_TOKEN}` }));
    expect([response.status, events]).toEqual([answer.status, [event]]);
    // the token is valid only if a store has failed
    expect(endAtIssuer).toHaveBeenCalledTimes('failure' in answer && answer.failure === 'store' ? 1 : 0);
  },
);
