import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { recordOf, textOf } from './record-text.js';

const RECORD = {
  kind: 'token',
  issuer: 'https://login.example.com',
  value: 'CORP\\"token"\n',
  issuedUntil: 1_700_000_000,
  until: 1_700_000_900,
  isFinal: true,
  reason: 'logout',
} as const;

/** Fails if `run` takes longer. A timer could not stop a synchronous loop. */
function endsIn(seconds: number, run: () => void): void {
  const surroundings = globalThis as { __recordTexts?: () => void };
  surroundings.__recordTexts = run;
  new Script('globalThis.__recordTexts()').runInThisContext({ timeout: seconds * 1000 });
}

test('rule 165: refuses a record that is cut off, and reads or refuses one with a changed character, within 5 s', () => {
  const text = textOf(RECORD);
  expect(recordOf(text)).toEqual(RECORD);
  let read = 0;
  endsIn(5, () => {
    for (let at = 0; at <= text.length; at++) {
      if (at < text.length) expect(recordOf(text.slice(0, at))).toBeUndefined();
      for (const other of ['"', '\\', '[', ',', '\0', '9', '\ud800', '']) {
        const changed = recordOf(text.slice(0, at) + other + text.slice(at + 1));
        if (changed) read++;
      }
    }
  });
  expect(read).toBeGreaterThan(50);
});

test('rule 165: refuses records with a megabyte of repeated characters within 5 s', () => {
  endsIn(5, () => {
    for (const part of ['"', '\\', '[', '["', '\\"', ',', '{"a":', '0', '[['])
      for (const start of ['', '["token","', textOf(RECORD)]) expect(recordOf(start + part.repeat(1_000_000 / part.length))).toBeUndefined();
  });
});

test('rule 306: a revocation has the text of the first release', () => {
  const text = '["token","https://login.example.com","CORP\\\\\\"token\\"\\n",1700000000,1700000900,1,"logout"]';
  expect(textOf(RECORD)).toBe(text);
  expect(recordOf(text)).toEqual(RECORD);
});
