import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readStates, writeState, type IssuerState } from './state-file.js';

const stateOf = (issuer: string, mark: string): IssuerState => ({ issuer, audiences: [], controlPort: 1, secret: mark.repeat(43) });

test('two issuers that have the same port at different loopback addresses are both found, until each ends', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-state-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const env = { XDG_RUNTIME_DIR: folder };
  const addresses = ['http://127.0.0.1:9400', 'http://[::1]:9400', 'http://app.localhost:9400', 'http://127.0.0.1'];
  const found = async (): Promise<string[]> => (await readStates(env)).map(({ issuer }) => issuer).toSorted();
  const removals = [];
  for (const [at, address] of addresses.entries()) removals.push(await writeState(env, stateOf(address, String(at))));
  expect(await found()).toEqual(addresses.toSorted());
  await removals[1]!();
  expect(await found()).toEqual(addresses.toSpliced(1, 1).toSorted());
});
