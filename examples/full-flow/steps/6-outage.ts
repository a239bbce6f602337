import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt, generateKeyPair, SignJWT } from 'jose';
import type { Tokens } from '../agent/app.ts';
import { expectEqual, expectRefusal, expectThat } from '../expect.ts';
import type { Stage } from '../stage.ts';

export function knownKeysServeOn(stage: Stage, { accessToken }: Tokens): Promise<void> {
  const { story, screen, callApi, authorizationServer, operator } = stage;
  return story.step(
    'The authorization server is stopped: the cached keys serve on',
    'An outage over there must not become one here. The API keeps its last good keys for a while (an hour by default) and tries again in the background.',
    async () => {
      await authorizationServer.stop();
      expectEqual('whether the authorization server can be reached', await isReachable(stage), false);
      screen.note('calling until the API has noticed, too ...');
      const calls = await untilFetchFailed(stage, accessToken);
      screen.note(`${calls} calls, all 200; failed attempts of the API to fetch keys so far: ${operator.failedFetches}`);
      expectEqual('the status', (await callApi('GET /orders', accessToken)).status, 200);
      screen.passed('200, with nobody there to ask');
    },
  );
}

export function unknownKey({ story, screen, callApi, operator }: Stage, tokens: Tokens): Promise<void> {
  return story.step(
    'A token with an unknown key meanwhile: 503',
    'It may be a forgery, or the issuer may have a new key: the API can’t find out now. So it says neither yes nor “your token is bad”, but “ask again later”.',
    async () => {
      const { privateKey } = await generateKeyPair('RS256');
      const unknown = await new SignJWT(decodeJwt(tokens.accessToken)).setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: 'never-seen' }).sign(privateKey);
      screen.note('made here: the same claims, signed with a key that nobody has published');
      const response = await callApi('GET /orders', unknown);
      await expectRefusal(response, operator.lastReason, { status: 503, error: 'temporarily_unavailable', reason: 'keys_unavailable' });
      expectEqual('the status for the known key', (await callApi('GET /orders', tokens.accessToken)).status, 200);
      screen.passed(`503 with Retry-After: ${response.headers.get('retry-after')}, and still 200 for the known key`);
    },
  );
}

async function untilFetchFailed({ api, callApi, wire, operator }: Stage, accessToken: string): Promise<number> {
  const before = operator.failedFetches;
  const deadline = Date.now() + (api.keysFreshSeconds + 3) * 1000;
  let calls = 0;
  while (operator.failedFetches === before) {
    expectThat('the API tried to renew its keys in time', Date.now() < deadline);
    const { status } = await wire.unseen(() => callApi('GET /orders', accessToken));
    expectEqual('the status during the outage', status, 200);
    calls++;
    await sleep(100);
  }
  return calls;
}

async function isReachable({ authorizationServer, wire }: Stage): Promise<boolean> {
  return wire
    .unseen(() => wire.send(authorizationServer.issuer))
    .then(
      () => true,
      () => false,
    );
}
