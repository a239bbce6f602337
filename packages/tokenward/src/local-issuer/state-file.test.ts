import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readStates, removeState, writeState, type IssuerState } from './state-file.js';

const stateOf = (issuer: string, mark: string): IssuerState => ({ issuer, audiences: [], controlPort: 1, secret: mark.repeat(43) });

const emptyFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-state-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

test('two issuers that have the same port at different loopback addresses are both found, until each ends', async () => {
  const env = { XDG_RUNTIME_DIR: emptyFolder() };
  const addresses = ['http://127.0.0.1:9400', 'http://[::1]:9400', 'http://app.localhost:9400', 'http://127.0.0.1'];
  const found = async (): Promise<string[]> => (await readStates(env)).map(({ issuer }) => issuer).toSorted();
  const removals = [];
  for (const [at, address] of addresses.entries()) removals.push(await writeState(env, stateOf(address, String(at))));
  expect(await found()).toEqual(addresses.toSorted());
  await removals[1]!();
  expect(await found()).toEqual(addresses.toSpliced(1, 1).toSorted());
});

test('whoever removes the state of a killed issuer, however late, leaves that of the next issuer at the same address', async () => {
  const env = { XDG_RUNTIME_DIR: emptyFolder() };
  await writeState(env, stateOf('http://127.0.0.1:9400', '1'));
  const [killed] = await readStates(env);
  await writeState(env, stateOf('http://127.0.0.1:9400', '2'));
  await removeState(killed!);
  await removeState(killed!);
  expect((await readStates(env)).map(({ secret }) => secret)).toEqual(['2'.repeat(43)]);
});
