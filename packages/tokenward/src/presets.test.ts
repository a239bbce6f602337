import { ConfigurationError } from '@tokenward/core';
import { expect, test } from 'vitest';
import { exampleIssuer, presetFor, PRESETS } from './presets.js';

/** Options that no issuer determines. */
const MORE: Readonly<Record<string, object>> = {
  authentik: { audience: 'a' },
  azureAdB2c: { policies: ['B2C_1_signin'], audience: 'a' },
  clerk: { authorizedParties: ['https://app.example.com'] },
  cognito: { clientIds: ['a'] },
  firebase: {},
  githubActions: { repositories: ['a/b'], audience: 'a' },
  gitlabCi: { projects: ['a/b'], audience: 'a' },
  google: { serviceAccounts: ['104029292853099978293'], audience: 'a' },
  kubernetes: { serviceAccounts: ['a/b'], audience: 'a' },
  spiffe: { jwksUri: 'https://bundle.example.org', audience: 'a' },
  supabase: {},
  workos: {},
  zitadel: { projectId: '1' },
};

// PingFederate has no address of its own
test.each([...PRESETS.keys()].filter((name) => name !== 'pingFederate'))(
  'the example issuer of %s fits its preset alone, whose options it determines',
  (name) => {
    const issuer = exampleIssuer(name)!;
    const fitting = presetFor(issuer)!;
    expect(fitting.name).toBe(name);
    const made = PRESETS.get(name)!({ ...fitting.options, ...(MORE[name] ?? { audience: 'a' }) });
    const issuers: readonly (string | undefined)[] = Array.isArray(made.issuers) ? made.issuers.map((one: { issuer?: string }) => one.issuer) : [made.issuer];
    expect(issuers).toContain(issuer);
    for (const needed of fitting.alsoNeeds) {
      const { [needed]: _left, ...rest } = { ...(MORE[name] as Record<string, unknown>) };
      // what is missing is reported by the preset, or by the guard
      if (name !== 'spiffe') expect(() => PRESETS.get(name)!({ ...fitting.options, ...rest })).toThrow(ConfigurationError);
    }
  },
);

test.each([
  ['https://login.microsoftonline.us/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0', 'entraId', 'usGovernment'],
  ['https://login.partner.microsoftonline.cn/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0', 'entraId', 'china'],
  ['https://sts.chinacloudapi.cn/72f988bf-86f1-41af-91ab-2d7cd011db47/', 'entraId', 'china'],
  ['https://contoso.b2clogin.cn/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0/', 'azureAdB2c', 'china'],
])('the issuer %s fits %s in the cloud %s', (issuer, name, cloud) => {
  expect(presetFor(issuer)).toMatchObject({ name, options: { cloud } });
});

test.each(['https://login.example.com', 'https://evil.test/https://gitlab.com', 'https://gitlab.com.evil.test', 'https://a.supabase.co.evil.test/auth/v1', ''])(
  'the issuer %j fits no preset',
  (issuer) => {
    expect(presetFor(issuer)).toBeUndefined();
  },
);
