import { PassThrough } from 'node:stream';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readToken } from '../attack/read-token.js';
import { readPiped } from './piped.js';

const LIMITS = { maxBytes: 100, patienceMs: 20, endMs: 2000 };

test('reads to the end, however long the pieces take to arrive', async () => {
  const stdin = new PassThrough();
  const reading = readPiped(stdin, LIMITS);
  for (const piece of ['eyJh', 'bGci', 'OiJS']) {
    stdin.write(piece);
    await wait(30);
  }
  stdin.end('UzI1');
  expect(await reading).toBe('eyJhbGciOiJSUzI1');
});

test('attack takes no half of a token for a whole one', async () => {
  const stdin = new PassThrough();
  const reading = readToken(stdin, 20);
  stdin.write('header.payl');
  await wait(60);
  stdin.end('oad.signature\n');
  expect(await reading).toBe('header.payload.signature');
});

test('waits for the first byte only so long', async () => {
  expect(await readPiped(new PassThrough(), LIMITS)).toBeUndefined();
});

test('can be called again after it gave up: what arrived meanwhile is not lost', async () => {
  const stdin = new PassThrough();
  expect(await readPiped(stdin, LIMITS)).toBeUndefined();
  stdin.write('header.payload.');
  await wait(30);
  const reading = readPiped(stdin, { ...LIMITS, patienceMs: 1000 });
  await wait(10);
  stdin.end('signature');
  expect(await reading).toBe('header.payload.signature');
  const ended = new PassThrough();
  ended.end();
  expect(await readPiped(ended, LIMITS)).toBe('');
  expect(await readPiped(ended, LIMITS)).toBe('');
});

test('rule 274: what does not end in time, breaks off or is too large is an error, and never a part of a token', async () => {
  const endless = new PassThrough();
  endless.write('header.payload.');
  await expect(readPiped(endless, { ...LIMITS, endMs: 30 })).rejects.toThrow('standard input did not end within 0.03 s');

  const broken = new PassThrough();
  const reading = readPiped(broken, LIMITS);
  broken.write('header.payload.');
  await wait(1);
  broken.destroy(new Error('EIO'));
  await expect(reading).rejects.toThrow('standard input broke off before its end');

  const large = new PassThrough();
  large.write('a'.repeat(101));
  await expect(readPiped(large, LIMITS)).rejects.toThrow('so it is not a token');
});

test('an empty input is an empty text, and UTF-16 of PowerShell is read as what it means', async () => {
  const empty = new PassThrough();
  empty.end();
  expect(await readPiped(empty, LIMITS)).toBe('');
  const wide = new PassThrough();
  wide.end(Buffer.from('\uFEFFheader.payload.signature', 'utf16le'));
  expect(await readToken(wide, 20)).toBe('header.payload.signature');
});
