import { readFileSync } from 'node:fs';
import { runInThisContext } from 'node:vm';
import type { GuardOptions } from '@tokenward/core';
import * as presets from '@tokenward/core/presets';
import { createTestClock } from '@tokenward/testing';
import { expect, test } from 'vitest';
import { verdictOf } from '../guarded.js';
import { decide, given } from './provider-tokens.js';
import { optionsOf, providers, type PresetName } from './shapes.js';

interface Page {
  /** The options of the preset in the page's first program. */
  readonly options: object;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** The times of all tokens on the pages. */
const ISSUED_AT = Date.parse('2026-01-01T00:00:00Z') / 1000;
const clock = createTestClock('2026-01-01T00:01:00Z');

const PRESETS = { ...presets };

function pageOf(name: PresetName): Page {
  const file = `${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.md`;
  const text = readFileSync(new URL(`../../../../docs/src/content/docs/providers/${file}`, import.meta.url), 'utf8');
  const [program, token] = ['js', 'json'].map((language) => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(text)![1]!);
  const [, options] = new RegExp(`\\b${name}\\((\\{.*?\\})\\)`, 's').exec(program!)!;
  return { options: runInThisContext(`(${options})`) as object, claims: JSON.parse(token!) as Page['claims'] };
}

const kindOf = (value: unknown): string => (Array.isArray(value) ? 'list' : typeof value);

test.each(Object.keys(providers) as PresetName[])(
  "the page of %s shows a token that its guard accepts, and no claim that the provider's documentation lacks",
  async (name) => {
    const { options, claims } = pageOf(name);
    const { jwksFile: _file, ...rest } = options as { readonly jwksFile?: string };
    const preset = PRESETS[name] as (given: object) => GuardOptions;
    const { token } = providers[name];
    const accepting = preset({ ...rest, jwks: optionsOf(name).jwks ?? given.jwks, clock });
    expect(verdictOf(await decide(accepting, { ...token, claims }))).toBe('allow');
    expect(verdictOf(await decide(accepting, { ...token, claims: { ...claims, exp: ISSUED_AT - 3600 } }))).toBe('expired');
    expect(claims).toMatchObject({ iat: ISSUED_AT });
    for (const [claim, value] of Object.entries(claims)) expect([claim, kindOf(value)]).toEqual([claim, kindOf(token.claims[claim])]);
  },
);
