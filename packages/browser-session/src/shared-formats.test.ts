import { memoryRevocations, memorySessions } from '@tokenward/core';
import type { RevocationRecord, SessionStore, StoredSession } from '@tokenward/core/store';
import { createTestClock } from '@tokenward/testing';
import { expect, test } from 'vitest';
import { LOGIN_COOKIE, openAttempts } from './cookies/login-cookies.js';
import { createSealer } from './cookies/seal.js';
import type { SessionConfig } from './config.js';
import { createRefreshSharing } from './refresh/refresh-sharing.js';
import type { SessionState } from './session-state.js';
import type { Sessions } from './sessions.js';
import { createSessions } from './state/create-sessions.js';
import { textOf } from './state/session-text.js';

// Cookies, and what a store keeps, as the first release wrote them. While a release is rolled out, two versions run at once, so a change would log people out. If
// it must change, give it another label, and let the next release read both.

const NOW = 1_800_000_000;
const STATE: SessionState = {
  id: 'i'.repeat(43),
  version: 2,
  issuer: 'https://login.example.test',
  subject: 'user-1',
  issuerSessionId: 'issuer-session-1',
  issuedAt: NOW - 1,
  accessToken: 'access',
  accessTokenEndsAt: NOW + 300,
  refreshAt: NOW + 270,
  scopes: ['openid', 'orders:read'],
  refreshToken: 'refresh',
  idToken: 'id',
  startedAt: NOW,
  usedAt: NOW,
  issuerEndsAt: NOW + 50_000,
  endsAt: NOW + 43_200,
};
const SECRET = 'a secret of at least 32 characters';
const SEALED_COOKIE =
  '__Host-session=1.eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiaWp5Mnc1SGEifQ..sHSJLLNlgj7-_8-E._CFQIu-DqjL5MXzU7i1M-2V3MQRz1KXeeyinM5osWaWwbtRhAV1_VeqqkbXxQGafOWS8v64E6S-nVE82412ndo85nDHcq5oXXlqX0nuX_cvVRQrLTZjyhK8obaUtczaBn0kPlz0SwG3b4LX0-2W1CjyfdAfel0vOjbKggwTCX7QRCVlGZRt8Llr4LZL-CrTbk-0wYqF8AKGfmw_gL4MejqZjPIij1-kUSrqhpt3kLi8lTpn4Tvf8iOSrj_fP6L3ykfbZK9eLjGidakiiWik6utrjZimiZmbce-Jop0Xn0ul5YITohRPAViOfzi9GyrPJLixGoIsU7oLaOmDaSa8hIxzgghq23U-ZTUNnXri4BiQbeLc9MACet5igTRz8onxaDPytJg.pLIbjnPaYybaQq8q3bQkEw';
const COOKIE_OF_STORED =
  '__Host-session=1.eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiaWp5Mnc1SGEifQ..Y1mosNMI0V6NBN2J.XUUVOyhXQ42QTti7zgVc5WY50lftcZWFoxzaEidCVeL8otI3APhTIiH4gdqpeDEq8qYe3GrnwSjwg47yw-PF17F3.QTImEEKm1I3j3Pb06OSpQw';
const STORED: StoredSession = {
  key: 'RGSn1Ml4d5ljnqki_dKKf0KqxfgqoMyttS_wYrLAbDI',
  sealed:
    'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiUkk5TXVNRG4ifQ..SLyOIUQ_exBIgzZX.ZinLWn34Bc3NtKx3rS7N4TUi3hui6kwAlMyMvp175crOvvoTjngIp8HVBSUyFuUKsWYtcbBzcBnqekMcBg4ZiuebXA5o4VnLKzWWg4jWbeLKrDKnOgth-pLyU1U-uMm6ItHy6TsTX0g0-OBUYU3m__09sI56RVxPKCpXT5z6Fn474yiykOk8agxM162IU4mG2dbV99dGYqm3cCGFZ-B-mZlkUSGUokJrF_7UrtXAZMbqXLEpAKrc2SMf5Xs2niPCfb_bzJj9bG-yk4-CceZlSOk6y_9WDhHQL_vsrBkKzuJdTkGxsIx_Omh8xrZZ0tJJfKwnJbsqNURZ7ElJDqMbQbZ8nXaCz8helXQgKLiU9LUg6T48ouPwHMzufmYhnNd-4EobdA.WPkc5i3LHuHUmpxpxLonLw',
  version: 2,
  until: NOW + 7260,
  issuedAt: NOW - 1,
  labels: ['DqAzHanj9sCueD35LQPuJfZd9ZslyYbiVcCWRv9yqnQ', '96bRpzKZkm_l2wbZuFTBRjmlF2g0Af1fNktkyMY7PaE'],
};
const SHARED_REFRESH: StoredSession = {
  key: 'u5VStfYGN4oQMCKYuCWQQMqO5yt5Re0tuqQyVLFbcy8',
  sealed:
    'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiclVDT2FUNkUifQ..xu7xBbql2zxFyns3.WJWB5A9PI3pDrvHGRzfBYbh6xrX1J2TwS2OgCiA-v6_AdICGvd9kiqXJIS7ziA0f4SPPA1J-Usj1NQk_Veo_uP9cbiHrzW4WhxdV-O2WcqAv1pNs8qT5uylfdpt_27zkOZsqak5bKurBp_r0VYT5bDKAQfecgFFZvF5LcQx8IR5vspQQTCYloDL06MZEQJYYHhvJw09e2xkUGiSbEygXMCzgpezfAbxs1iV9dqxAZFLh9yxzEWvXv8g6LAt_UnM4TbL8wy6_USQPr6RjCAsQ7IBgZwdrXwtWifSSfObtx6G-HMWp5AWUo-Jx160lk4c2AjYbPEwJPHRnAIO5MxIW_3w1Zb2jfPIZJH3PK4hoxgCJnsTp0y49c1av7CH95EAVLHvC6Q.p2w0MBsLB44IQmkcCyBSHg',
  version: 1,
  until: NOW + 60,
  issuedAt: NOW - 1,
  labels: [],
};
const LOGIN =
  '__Host-login-S6aXNcpTdl=eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiOFU2NENORmEifQ..E66hYUg0nzjxcr6D.6Vqs1xTmgkxGIggbIWXTgO51Gch24MbCRRyHIBq3woCCgvXUdZNnYao9bu09eB1lHwQmZGqKqZXaRCLM1YnGFdCPKE9bg0xVFQbnqg6cC1qksPf_TCblg7IlIUi17dTw6D4bncRHQqLgjhL4SoEr_JZQIMoqwfjyR6Gh83O826nx9AgzQblRA7huysT7UPJbicN6oFUJYFfuNv4lRmkZliFHlXbwwanS-i_B59HQGDVnCcBQmpZqCr21Qx8Az3bUaUV1uEPhpo_LCFB8a8oegU8yyBdOS326Uf8Jmi0-49lHt_EDXh6zqKk06UNdt1htfuWU16NfQYljsXIsjecJkFwmMv8NVXHh71XejmCnjRPAiGU62Q.QChes46B5rfUirbX33K_vw';

function configWith(overrides: Partial<SessionConfig> = {}): SessionConfig {
  return {
    issuer: STATE.issuer,
    origin: 'https://app.example.test',
    clientId: 'web-app',
    secrets: [SECRET],
    cookieName: '__Host-session',
    sameSite: 'Strict',
    idleSeconds: 3600,
    maxSeconds: 43_200,
    loginSeconds: 600,
    timeoutSeconds: 5,
    clockSkewSeconds: 30,
    clock: createTestClock(new Date(NOW * 1000).toISOString()),
    revocations: memoryRevocations(),
    ...overrides,
  } as SessionConfig;
}

test('rule 306: an encrypted cookie of the first release is a session, and its text is written as it was then', async () => {
  expect(await createSessions(configWith()).find(SEALED_COOKIE)).toMatchObject({ kind: 'session', state: STATE });
  expect(textOf(STATE)).toBe(
    `{"i":"${STATE.id}","v":2,"o":"https://login.example.test","s":"user-1","d":"issuer-session-1","t":1799999999,"a":"access","e":1800000300,"f":1800000270,` +
      '"c":"openid orders:read","r":"refresh","h":"id","b":1800000000,"u":1800000000,"y":1800050000,"x":1800043200}',
  );
});

test('rule 306: a stored session of the first release is a session, with its cookie of then, and is stored under the same key and labels', async () => {
  const clock = createTestClock(new Date(NOW * 1000).toISOString());
  const store = memorySessions({ clock });
  await store.create(STORED);
  expect(await createSessions(configWith({ clock, store })).find(COOKIE_OF_STORED)).toMatchObject({ kind: 'session', state: STATE });
  const created: StoredSession[] = [];
  await createSessions(configWith({ clock, store: recording({ created }) })).start(STATE);
  expect(created).toEqual([{ ...STORED, sealed: expect.any(String) as string }]);
});

test('rule 306: a refresh that a process of the first release shares is found, and shared and leased under the same name', async () => {
  const store = memorySessions({ clock: createTestClock(new Date(NOW * 1000).toISOString()) });
  await store.create(SHARED_REFRESH);
  const former = { ...STATE, version: 1 };
  expect(await createRefreshSharing(configWith({ refreshStore: store }), NO_SESSIONS)!.newest(former)).toEqual(STATE);
  const [created, leased]: [StoredSession[], string[]] = [[], []];
  const sharing = createRefreshSharing(configWith({ refreshStore: recording({ created, leased }) }), NO_SESSIONS)!;
  await sharing.publish(former, STATE);
  await sharing.lease(former);
  await createRefreshSharing(configWith({ store: recording({ leased }) }), NO_SESSIONS)!.lease(STATE);
  expect(created).toEqual([{ ...SHARED_REFRESH, sealed: expect.any(String) as string }]);
  expect(leased).toEqual([SHARED_REFRESH.key, STORED.key]);
});

test('rule 306: a login that began at a process of the first release goes on', async () => {
  const { attempts, useless } = await openAttempts(LOGIN, createSealer([SECRET], 'login', LOGIN_COOKIE), configWith());
  expect(useless).toEqual([]);
  expect(attempts.map(({ attempt }) => attempt)).toEqual([
    {
      state: 'state',
      nonce: 'n',
      codeVerifier: 'v',
      issuer: STATE.issuer,
      returnTo: '/orders',
      startedAt: NOW,
      maxAge: 300,
      acrValues: 'mfa',
      more: [['ui_locales', 'de']],
      replaces: { id: 'id', subject: 'user-1', issuedAt: NOW - 10, startedAt: NOW - 9 },
    },
  ]);
});

test('rule 306: a logout is a revocation that processes of the first release know', async () => {
  const added: RevocationRecord[] = [];
  const revocations = memoryRevocations();
  const config = configWith({ revocations: { ...revocations, add: async (record) => (added.push(record), revocations.add(record)) } });
  await createSessions(config).end(STATE, 'logout', undefined);
  expect(added).toMatchObject([{ kind: 'session', issuer: STATE.issuer, value: `tokenward-session:${STATE.id}`, isFinal: true, reason: 'logout' }]);
});

const NO_SESSIONS = {} as Sessions;

/** A store that keeps only what it was called with. */
function recording({ created = [], leased = [] }: { readonly created?: StoredSession[]; readonly leased?: string[] }): SessionStore {
  return {
    ...memorySessions(),
    create: (session: StoredSession) => void created.push(session),
    lease: (key: string) => void leased.push(key),
  };
}
