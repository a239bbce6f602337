import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { App, Tokens } from '../agent/app.ts';
import { ORDERS_API } from '../cast.ts';
import { expectEqual, expectRefusal, expectThat } from '../expect.ts';
import type { Stage } from '../stage.ts';

export function rotation({ story, screen, callApi, operator, authorizationServer }: Stage, app: App, old: Tokens): Promise<Tokens> {
  return story.step(
    'The signing key is rotated without a restart: 200',
    'The authorization server signs with a new key and still publishes the old one. The API does not know the new kid, so it fetches the keys again. ' +
      'Sessions and refresh tokens stay valid.',
    async () => {
      const oldKeyId = authorizationServer.signingKeyId;
      await authorizationServer.rotateKeys();
      const renewed = await app.refresh(old.refreshToken, ORDERS_API);
      const newKeyId = decodeProtectedHeader(renewed.accessToken).kid;
      screen.note(`the signing key is now ${newKeyId}; it was ${oldKeyId}`);
      expectEqual('the key of the new token', newKeyId, authorizationServer.signingKeyId);
      expectThat('the key is a new one', newKeyId !== oldKeyId);
      expectEqual('the status with the new token', (await callApi('GET /orders', renewed.accessToken)).status, 200);
      expectEqual('the status with the old token', (await callApi('GET /orders', old.accessToken)).status, 200);
      expectEqual('the keys that the API has cached', new Set(operator.knownKeyIds), new Set([newKeyId, oldKeyId]));
      screen.passed('200 with the new token; 200 with the old one, whose key is still published');
      return renewed;
    },
  );
}

export function withdrawal(stage: Stage, old: Tokens, renewed: Tokens): Promise<void> {
  const { story, screen, callApi, operator, authorizationServer, api } = stage;
  return story.step(
    'The old key is withdrawn: its tokens get 401',
    'The issuer no longer publishes a key that may have leaked. The tokens that it signed become invalid, expired or not. ' +
      `The API learns of it when it next fetches the keys. Here cached keys are fresh for ${api.keysFreshSeconds} seconds (by default for 10 minutes, or as the issuer's Cache-Control says).`,
    async () => {
      const oldKeyId = decodeProtectedHeader(old.accessToken).kid!;
      expectThat('the old token has not expired', decodeJwt(old.accessToken).exp! * 1000 > Date.now() + 30_000);
      authorizationServer.withdrawOldKeys();
      screen.note('calling with the old token until the API has fetched the keys again ...');
      await untilKeyIsGone(stage, old.accessToken, oldKeyId);
      const response = await callApi('GET /orders', old.accessToken);
      await expectRefusal(response, operator.lastReason, { status: 401, error: 'invalid_token', reason: 'unknown_key' });
      expectEqual('the status with the new token', (await callApi('GET /orders', renewed.accessToken)).status, 200);
      screen.passed('401 for the token of the old key, 200 for the token of the new one');
    },
  );
}

/** Sends requests until the API has refreshed its keys. A request starts the refresh in the background, and is answered with the cached keys. */
async function untilKeyIsGone({ api, callApi, wire, operator, screen }: Stage, accessToken: string, keyId: string): Promise<void> {
  const start = Date.now();
  const deadline = start + (api.keysFreshSeconds + 3) * 1000;
  let calls = 0;
  while (operator.knownKeyIds.includes(keyId)) {
    expectThat('the API fetched the keys again in time', Date.now() < deadline);
    await wire.quietly(() => callApi('GET /orders', accessToken));
    calls++;
    await sleep(100);
  }
  screen.note(`the API fetched the keys again ${((Date.now() - start) / 1000).toFixed(1)} s later, after ${calls} more calls`);
}
