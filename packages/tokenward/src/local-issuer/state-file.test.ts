import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { isFileOf, isGone, readStates, removeState, writeState, type IssuerState } from './state-file.js';

const stateOf = (issuer: string, mark: string): IssuerState => ({ issuer, audiences: [], controlPort: 1, secret: mark.repeat(43) });

const emptyFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-state-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

test('two issuers that have the same port at different loopback addresses are both found, until each ends', async () => {
  const env = { XDG_RUNTIME_DIR: emptyFolder() };
  const addresses = ['http://127.0.0.1:9400', 'http://[::1]:9400', 'http://app.localhost:9400', 'http://127.0.0.1'];
  const found = async (): Promise<string[]> => (await readStates(env)).states.map(({ issuer }) => issuer).toSorted();
  const removals = [];
  for (const [at, address] of addresses.entries()) removals.push(await writeState(env, stateOf(address, String(at))));
  expect(await found()).toEqual(addresses.toSorted());
  await removals[1]!();
  expect(await found()).toEqual(addresses.toSpliced(1, 1).toSorted());
});

test('whoever removes the state of a killed issuer, however late, leaves that of the next issuer at the same address', async () => {
  const env = { XDG_RUNTIME_DIR: emptyFolder() };
  await writeState(env, stateOf('http://127.0.0.1:9400', '1'));
  const [killed] = (await readStates(env)).states;
  await writeState(env, stateOf('http://127.0.0.1:9400', '2'));
  await removeState(killed!);
  await removeState(killed!);
  expect((await readStates(env)).states.map(({ secret }) => secret)).toEqual(['2'.repeat(43)]);
});

/** Writes the state of an issuer whose process has ended, as another program would. */
async function killed(folder: string, machineOf: (own: string) => string): Promise<void> {
  await writeState({ XDG_RUNTIME_DIR: folder }, stateOf('http://127.0.0.1:9400', '1'));
  const path = join(folder, 'tokenward', readdirSync(join(folder, 'tokenward'))[0]!);
  const state = JSON.parse(readFileSync(path, 'utf8')) as { machine: string };
  const { pid: processId } = spawnSync(process.execPath, ['--version']);
  writeFileSync(path, JSON.stringify({ ...state, machine: machineOf(state.machine), processId }));
}

test('an issuer whose process is gone has ended', async () => {
  const folder = emptyFolder();
  await killed(folder, (own) => own);
  const [state] = (await readStates({ XDG_RUNTIME_DIR: folder })).states;
  expect(isGone(state!)).toBe(true);
  await removeState(state!);
  expect(existsSync(state!.path)).toBe(false);
});

test.runIf(process.platform === 'linux').each([
  ['another container with the same host name', () => hostname()],
  ['a container with process ids of its own', (own: string) => own.replace(/pid:\[\d+\]/, 'pid:[1]')],
  ['a container with ports of its own', (own: string) => own.replace(/net:\[\d+\]/, 'net:[1]')],
  ['another boot', (own: string) => own.replace(/^\S+/, '00000000-0000-4000-8000-000000000000')],
])('rule 303: does not take an issuer for ended, whatever its process id, if it runs in %s', async (_where, machineOf) => {
  const folder = emptyFolder();
  await killed(folder, machineOf);
  const [state] = (await readStates({ XDG_RUNTIME_DIR: folder })).states;
  expect(isGone(state!)).toBe(false);
  await removeState(state!);
  expect(existsSync(state!.path)).toBe(true);
});

test('a reader finds the whole state or none, while it is written', async () => {
  const folder = join(emptyFolder(), 'tokenward');
  mkdirSync(folder, { mode: 0o700 });
  for (let at = 0; at < 20; at++) {
    const progress = { isWritten: false };
    const writing = writeState({ XDG_RUNTIME_DIR: dirname(folder) }, stateOf('http://127.0.0.1:9400', '1')).finally(() => (progress.isWritten = true));
    while (!progress.isWritten) {
      await setImmediate();
      for (const name of readdirSync(folder)) if (name.endsWith('.json')) JSON.parse(readFileSync(join(folder, name), 'utf8'));
    }
    await (
      await writing
    )();
    expect(readdirSync(folder)).toEqual([]);
  }
});

test('files of many killed issuers do not hide one that runs', async () => {
  const env = { XDG_RUNTIME_DIR: emptyFolder() };
  // the order in which a folder lists its files is not that of their names or times
  await writeState(env, stateOf('http://127.0.0.1:1', '1'));
  const yesterday = new Date(Date.now() - 86_400_000);
  const [first] = (await readStates(env)).states;
  for (let at = 0; at < 150; at++) {
    const path = first!.path.replace(/[\da-f-]{36}(?=\.json$)/, crypto.randomUUID());
    writeFileSync(path, readFileSync(first!.path, 'utf8').replace('127.0.0.1:1"', '127.0.0.1:2"'), { mode: 0o600 });
    utimesSync(path, yesterday, yesterday);
  }
  await writeState(env, stateOf('http://127.0.0.1:3', '3'));
  const found = (await readStates(env)).states.map(({ issuer }) => issuer);
  expect(found).toHaveLength(100);
  expect(found).toEqual(expect.arrayContaining(['http://127.0.0.1:1', 'http://127.0.0.1:3']));
});

test('a state file that is a symbolic link is not followed, and the error says what to do', async () => {
  const env = { XDG_RUNTIME_DIR: emptyFolder() };
  await writeState(env, stateOf('http://127.0.0.1:9400', '1'));
  const [state] = (await readStates(env)).states;
  const link = state!.path.replace(/\.json$/, '-link.json');
  symlinkSync(state!.path, link);
  const { states, unusable } = await readStates(env);
  expect(states).toEqual([state]);
  expect(unusable.map(({ path, error }) => [path, error.message])).toEqual([
    [link, `${link} is a symbolic link, which is not followed. Remove it, or name the file itself`],
  ]);
});

test('the name of a state file shows whose it is', async () => {
  const env = { XDG_RUNTIME_DIR: emptyFolder() };
  const addresses = ['http://127.0.0.1:9400', 'http://[::1]:9400', 'http://127.0.0.1:940', 'http://127.0.0.1'];
  for (const address of addresses) await writeState(env, stateOf(address, '1'));
  for (const { path, issuer } of (await readStates(env)).states) {
    expect(addresses.filter((address) => isFileOf(path, address))).toEqual([issuer]);
    expect(isFileOf(path, 'no address')).toBe(false);
  }
});
