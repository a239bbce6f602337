import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as presets from '@tokenward/core/presets';
import { verdictOf } from '../guarded.js';
import { decide } from './provider-tokens.js';
import { optionsOf, providers, type PresetName } from './shapes.js';

const names = Object.keys(providers) as PresetName[];
const ADAPTERS = ['express', 'fastify', 'fetch', 'hono', 'koa', 'nestjs'];
const PAGES = new URL('../../../../docs/src/content/docs/providers/', import.meta.url);

describe("rule 283: a provider's token is accepted by its own preset, and by no other, even if all had the same keys", () => {
  test.each(names)('%s', async (name) => {
    const verdicts = await Promise.all(names.map(async (other) => [other, verdictOf(await decide(optionsOf(other), providers[name].token))] as const));
    expect(Object.fromEntries(verdicts)).toEqual(
      Object.fromEntries(names.map((other) => [other, other === name ? 'allow' : expect.not.stringMatching(/^allow$/)])),
    );
  });
});

describe("rule 283: a provider's token with the issuer of another is refused by what the token lacks", () => {
  // the presets of these accept what an ordinary authorization server issues: other parts than the issuer must differ
  const TELLING = names.filter((name) => !['auth0', 'spiffe'].includes(name));

  test.each(TELLING)('%s', async (name) => {
    const { iss, aud } = providers[name].token.claims;
    const others = names.filter((other) => other !== name);
    const verdicts = await Promise.all(
      others.map(async (other) => {
        const { claims, header } = providers[other].token;
        return [other, verdictOf(await decide(optionsOf(name), { ...(header && { header }), claims: { ...claims, iss, aud } }))] as const;
      }),
    );
    expect(verdicts.filter(([, verdict]) => verdict === 'allow').map(([other]) => other)).toEqual(SIMILAR[name] ?? []);
  });

  /** Tokens that only their issuer and their keys tell apart. */
  const SIMILAR: Partial<Record<PresetName, readonly PresetName[]>> = {
    entraExternalId: ['entraId'],
    entraId: ['entraExternalId'],
    pingFederate: ['cognito', 'pingOne', 'zitadel'],
    workos: ['authentik', 'clerk', 'keycloak', 'pingOne'],
    zitadel: ['pingFederate'],
  };
});

describe('rule 284: every preset', () => {
  test('is in the table of these tests', () => {
    expect(names.toSorted()).toEqual(Object.keys(presets).toSorted());
  });

  test('has a page that names its options, and is in the table of providers', () => {
    const index = readFileSync(new URL('index.md', PAGES), 'utf8');
    for (const name of names) {
      const file = `${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}.md`;
      expect([file, existsSync(new URL(file, PAGES))]).toEqual([file, true]);
      const page = readFileSync(new URL(file, PAGES), 'utf8');
      expect([file, page.includes(`${name}({`), /^title: /m.test(page), page.includes('(../reasons/'), page.includes('https://')]).toEqual([
        file,
        true,
        true,
        true,
        true,
      ]);
      expect([file, index.includes(`[\`${name}()\`](${file})`)]).toEqual([file, true]);
    }
  });

  test.each(ADAPTERS)('is exported by %s', (adapter) => {
    const source = readFileSync(new URL(`../../../${adapter}/src/presets.ts`, import.meta.url), 'utf8');
    expect(source).toContain("export * from '@tokenward/core/presets';");
  });
});
