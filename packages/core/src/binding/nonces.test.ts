import { randomBytes } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { createNonces } from './nonces.js';

const secret = Buffer.alloc(32, 'secret');
const config = { secrets: [secret], lifetimeSeconds: 100, clockSkewSeconds: 5 };
/** The beginning of a period. */
const START = 1_700_000_000;

describe('rule 90: nonces', () => {
  test('are valid in their period and the next, and then no more', () => {
    const nonces = createNonces(config);
    const nonce = nonces.current(START);
    expect(nonce).toMatch(/^[\w-]{22}$/);
    for (const [at, expected] of [
      [0, 'current'],
      [99.9, 'current'],
      [100, 'old'],
      [199.9, 'old'],
      [200, undefined],
      [0, 'current'],
    ] as const) {
      expect([at, nonces.check(nonce, START + at)]).toEqual([at, expected]);
    }
  });

  test('of a process whose clock is a little ahead are valid', () => {
    const nonces = createNonces(config);
    const next = createNonces(config).current(START + 100);
    expect(nonces.check(next, START + 94)).toBeUndefined();
    expect(nonces.check(next, START + 95)).toBe('old');
    expect(nonces.check(next, START + 100)).toBe('current');
  });

  test('of a process that is several periods ahead are valid, if the clocks may differ so much', () => {
    const nonces = createNonces({ ...config, lifetimeSeconds: 10, clockSkewSeconds: 30 });
    for (const ahead of [0, 10, 20, 30]) expect([ahead, nonces.check(nonces.current(START + ahead), START)]).toEqual([ahead, ahead === 0 ? 'current' : 'old']);
    expect(nonces.check(nonces.current(START + 40), START)).toBeUndefined();
  });

  test('are the same in every process with the secret, and valid in none with another', () => {
    const nonce = createNonces(config).current(START);
    expect(createNonces({ ...config, secrets: [Buffer.from(secret)] }).check(nonce, START)).toBe('current');
    expect(createNonces({ ...config, secrets: [randomBytes(32)] }).check(nonce, START)).toBeUndefined();
    expect(createNonces({ ...config, lifetimeSeconds: 50 }).check(nonce, START)).toBeUndefined();
  });

  test('are computed once for each period', () => {
    const secrets = [secret];
    const computed = vi.spyOn(secrets, 'map');
    const nonces = createNonces({ ...config, secrets });
    const nonce = nonces.current(START);
    for (const at of [0, 1, 94]) nonces.check(nonce, START + at);
    expect(computed).toHaveBeenCalledTimes(2);
    nonces.check(nonce, START + 95);
    expect(computed).toHaveBeenCalledTimes(5);
  });

  test('of an earlier secret are valid while it is listed', () => {
    const fresh = randomBytes(32);
    const nonce = createNonces(config).current(START);
    const rotated = createNonces({ ...config, secrets: [fresh, secret] });
    expect(rotated.check(nonce, START)).toBe('old');
    expect(rotated.current(START)).toBe(createNonces({ ...config, secrets: [fresh] }).current(START));
  });

  test('all differ, and nothing else is one', () => {
    const nonces = createNonces(config);
    const all = Array.from({ length: 100 }, (_one, index) => nonces.current(START + index * 100));
    expect(new Set(all).size).toBe(100);
    const nonce = nonces.current(START);
    for (const other of [undefined, '', 'x'.repeat(22), nonce.slice(1), `${nonce}=`, ` ${nonce.slice(1)}`, nonce.toLowerCase(), '\u0141'.repeat(22)])
      if (other !== nonce) expect(nonces.check(other, START)).toBeUndefined();
    // each has the same low byte as a character of the nonce
    const alias = Array.from(nonce, (character) => String.fromCharCode(character.charCodeAt(0) + 256)).join('');
    expect(nonces.check(alias, START)).toBeUndefined();
  });
});
