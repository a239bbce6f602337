import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt, generateKeyPair, SignJWT } from 'jose';
import type { Tokens } from '../agent/app.ts';
import { expectEqual, expectRefusal, expectThat } from '../expect.ts';
import type { Stage } from '../stage.ts';

export function cachedKeysStayInUse(stage: Stage, { accessToken }: Tokens): Promise<void> {
  const { story, screen, callApi, authorizationServer, operator } = stage;
  return story.step(
    'The authorization server is stopped: the cached keys stay in use',
    'An outage of the authorization server must not become an outage of the API. The API keeps its cached keys for a while (an hour by default) and retries in the background.',
    async () => {
      await authorizationServer.stop();
      expectEqual('whether the authorization server is reachable', await isReachable(stage), false);
      screen.note('calling until the API has noticed the outage ...');
      const calls = await untilFetchFailed(stage, accessToken);
      screen.note(`${calls === 1 ? '1 call: 200' : `${calls} calls, all 200`}; failed key fetches of the API so far: ${operator.failedFetches}`);
      expectEqual('the status', (await callApi('GET /orders', accessToken)).status, 200);
      screen.passed('200 during the outage');
    },
  );
}

export function unknownKey({ story, screen, callApi, operator }: Stage, tokens: Tokens): Promise<void> {
  return story.step(
    'A token with an unknown key during the outage: 503',
    'The token may be forged, or the issuer may have a new key. The API cannot find out now, so it neither accepts nor rejects the token, but answers “try again later”.',
    async () => {
      const { privateKey } = await generateKeyPair('RS256');
      const unknown = await new SignJWT(decodeJwt(tokens.accessToken)).setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: 'never-seen' }).sign(privateKey);
      screen.note('the demo signs the same claims with a key that no issuer has published');
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
    expectThat('the API tried to refresh its keys in time', Date.now() < deadline);
    const { status } = await wire.quietly(() => callApi('GET /orders', accessToken));
    expectEqual('the status during the outage', status, 200);
    calls++;
    await sleep(100);
  }
  return calls;
}

async function isReachable({ authorizationServer, wire }: Stage): Promise<boolean> {
  return wire
    .quietly(() => wire.send(authorizationServer.issuer))
    .then(
      () => true,
      () => false,
    );
}
