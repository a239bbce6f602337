import { fileURLToPath } from 'node:url';
import { createTestIssuer, type TestIssuer } from '@tokenward/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand, type Ended } from './run-command.js';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await createTestIssuer();
});
afterAll(() => issuer.close());

const BUG = 'bug in tokenward';
const withOption = (command: string, option: string, args = ['--issuer', issuer.issuer]): Promise<Ended> =>
  runCommand([command, ...args, '--option', option, '--json'], { stdin: 'opaque' });
const detailsOf = ({ stdout }: Ended): readonly string[] =>
  (JSON.parse(stdout) as { checks: { check: string; verdict: string; detail: string }[] }).checks.flatMap(({ check, verdict, detail }) =>
    check === 'options' && verdict === 'fail' ? [detail] : [],
  );

test.each([
  ['unsafeHttpHosts=true', 'unsafeHttpHosts must be a list of one or more non-empty strings (got true)'],
  ['unsafeHttpHosts=[5]', 'unsafeHttpHosts must be a list of one or more non-empty strings (got a list)'],
  ['algorithms=5', 'algorithms must be a list of one or more non-empty strings (got a number)'],
  ['algorithms="RS256"', 'algorithms must be a list of one or more non-empty strings (got a string of 5 characters)'],
  ['audience=123', /^audience must be .*\(got a number\)$/],
  ['audience=["orders",5]', /^audience must be .*\(got a list\)$/],
  ['issuer=5', 'issuer must be a string (got a number)'],
  ['metadataUrl=5', 'metadataUrl must be a string (got a number)'],
  ['jwksUri=["https://login.example.com"]', 'jwksUri must be a string (got a list)'],
  ['jwksFile=0', 'jwksFile must be a non-empty string (got a number)'],
  ['tenants="acme"', 'tenants must be a list of one or more non-empty strings (got a string of 4 characters)'],
  ['clockSkewSeconds="60"', 'clockSkewSeconds must be a number from 0 to 300 (got "60")'],
  ['issuers=5', /^issuers must be a function, or a list of .*\(got a number\)$/],
  ['issuers=[null]', /^issuers\[0\] must be a plain object \(got null\)$/],
  ['issuers=[{"issuer":5,"audience":7}]', 'issuers[0].issuer must be a string (got a number)'],
  ['keyFetching=5', 'keyFetching must be an object (got a number)'],
  ['keyFetching={"jwksHosts":5}', 'keyFetching.jwksHosts must be a list of one or more non-empty strings (got a number)'],
  ['keyFetching={"timeoutSeconds":"1"}', 'keyFetching.timeoutSeconds must be a number from 0.01 to 60 (got "1")'],
])('doctor names an option of a wrong type, what was given and what it needs: %s', async (option, detail) => {
  const ended = await withOption('doctor', option, option.startsWith('issuer=') ? [] : undefined);
  expect([ended.code, ended.stderr]).toEqual([1, '']);
  expect(detailsOf(ended)).toContainEqual(typeof detail === 'string' ? detail : expect.stringMatching(detail));
});

test('doctor checks everything else next to an option that is wrong', async () => {
  const { stdout } = await runCommand(['doctor', '--issuer', issuer.issuer, '--audience', 'orders', '--option', 'algorithms=5']);
  expect(stdout).toMatch(/FAIL {2}options .*\n[^]*ok {4}metadata [^]*ok {4}key .*for RS256\n[^]*"orders" in aud\n/);
});

const VALUES = ['true', '5', 'null', 'text', '[]', '[5]', '[null]', '[{}]', '{"x":5}'];

test('no value of any option of a guard or an issuer is a bug of the command', async () => {
  const { stderr: unknown } = await withOption('explain', 'unknown=1');
  const names = /\(options: ([^)]+)\)/.exec(unknown)![1]!.split(', ');
  expect(names.length).toBeGreaterThan(40);
  const inner = ['timeoutSeconds', 'maxBytes', 'jwksHosts', 'ca', 'caFile', 'freshSeconds'];
  const options = VALUES.flatMap((value) => [
    ...names.map((name) => `${name}=${value}`),
    ...(value === 'text' ? [] : inner.map((name) => `keyFetching={"${name}":${value}}`)),
    ...(value === 'text' ? [] : names.map((name) => `issuers=[{"issuer":"http://127.0.0.1:1","${name}":${value}}]`)),
  ]);
  for (const option of options) {
    for (const command of ['doctor', 'explain']) {
      const { code, stderr } = await withOption(command, option, ['--issuer', 'http://127.0.0.1:1', '--audience', 'orders']);
      expect(stderr, `${command} ${option}`).not.toContain(BUG);
      expect(code, `${command} ${option}`).toBeLessThan(3);
    }
  }
}, 120_000);

const OF_PRESETS = [
  'acceptAllTenants acceptAnonymousUsers application authorizationServerId authorizedParties clientId clientIds cloud cluster clusterIssuer domain',
  'enterprise environmentId host issuerMode jwksPath keys namespaces oauthClients organizationId organizationIds owners policies projectId projectIds',
  'projectRef projects protectedRefsOnly realm region repositories serviceAccounts sessionCookies tenantId tenantIds tenantName tokenVersion trustDomain',
  'url userPoolId workloads',
  // a preset adds to these
  'algorithms allowedClients audience issuer issuers jwksUri metadataUrl requiredClaims requiredValues',
].flatMap((line) => line.split(' '));

test('no value of any option of a preset is a bug of the command', async () => {
  const { stderr } = await runCommand(['explain', '--preset', 'none']);
  const presets = /Use one of (.*)\n/.exec(stderr)![1]!.split(', ');
  expect(presets.length).toBeGreaterThanOrEqual(20);
  for (const preset of presets) {
    for (const option of OF_PRESETS.flatMap((name) => VALUES.map((value) => `${name}=${value}`))) {
      const { code, stderr: said } = await withOption('explain', option, ['--preset', preset, '--audience', 'orders']);
      expect(said, `${preset} ${option}`).not.toContain(BUG);
      expect(code, `${preset} ${option}`).toBeLessThan(3);
    }
  }
}, 120_000);

test('what is nested thousands of levels deep is refused in words', async () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    const deep = `${open.repeat(20_000)}1${close.repeat(20_000)}`;
    for (const name of ['issuers', 'dpop', 'requiredValues', 'scopes', 'decryptionKeys']) {
      for (const command of ['doctor', 'explain']) {
        const { code, stdout, stderr } = await withOption(command, `${name}=${deep}`);
        expect([code, stdout, stderr]).toEqual([2, '', `error: --option ${name} is nested more than 32 levels deep\n`]);
      }
    }
    for (const args of [['token'], ['attack', 'http://127.0.0.1:1/me']]) {
      const { code, stdout, stderr } = await runCommand([...args, '--claim', `tenant=${deep}`]);
      expect([code, stdout, stderr]).toEqual([2, '', 'error: a claim, with the object of all claims, is nested more than 32 levels deep\n']);
    }
  }
});

test('a claim may have as many levels as a token that guards accept', async () => {
  const nested = (levels: number) => `tenant=${'['.repeat(levels)}${']'.repeat(levels)}`;
  const tooDeep = await runCommand(['token', '--claim', nested(32)]);
  expect([tooDeep.code, tooDeep.stderr]).toEqual([2, 'error: a claim, with the object of all claims, is nested more than 32 levels deep\n']);
  expect((await runCommand(['token', '--claim', nested(31)])).stderr).not.toContain('nested');
});

test('refuses an option of the guard that is given twice', async () => {
  for (const command of ['doctor', 'explain']) {
    const { code, stdout, stderr } = await withOption(command, 'clockSkewSeconds=60', ['--option', 'clockSkewSeconds=0']);
    expect([code, stdout, stderr]).toEqual([2, '', 'error: --option clockSkewSeconds was given twice\n']);
  }
});

test('refuses an option of the guard that another option of the command gives, too', async () => {
  const jwksFile = fileURLToPath(import.meta.url);
  const realm = ['--issuer', 'https://sso.example.com/realms/shop', '--preset', 'keycloak'];
  const cases: readonly (readonly [args: string[], option: string, error: string])[] = [
    [['--issuer', issuer.issuer], 'issuer=https://other.example.com', '--issuer and --option issuer say the same thing'],
    [['--audience', 'orders'], 'audience=orders', '--audience and --option audience say the same thing'],
    [['--algorithms', 'RS256'], 'algorithms=["ES256"]', '--algorithms and --option algorithms say the same thing'],
    [['--jwks-file', jwksFile], `jwksFile=${jwksFile}`, '--jwks-file and --option jwksFile say the same thing'],
    [realm, 'issuer=https://sso.example.com/realms/shop', '--issuer and --option issuer say the same thing'],
    [realm, 'realm=other', '--preset keycloak reads realm from --issuer, so --option realm says it again'],
    // this issuer says that there is none
    [
      ['--issuer', 'https://token.actions.githubusercontent.com', '--preset', 'githubActions'],
      'enterprise=acme',
      '--preset githubActions reads enterprise from --issuer, so --option enterprise says it again',
    ],
  ];
  for (const command of ['doctor', 'explain']) {
    for (const [args, option, error] of cases) {
      const { code, stdout, stderr } = await withOption(command, option, args);
      expect([code, stdout, stderr]).toEqual([2, '', `error: ${error}. Give one of them\n`]);
    }
  }
});

test('the options of a preset that determine its issuer count more than ISSUER_BASE_URL, as in an API', async () => {
  for (const [preset, environment, options, expected] of [
    ['keycloak', 'https://sso.example.com/realms/shop', ['url=https://sso.example.org', 'realm=other'], 'https://sso.example.org/realms/other'],
    ['keycloak', 'https://login.example.com', ['url=https://sso.example.org', 'realm=other'], 'https://sso.example.org/realms/other'],
    ['keycloak', 'https://sso.example.com/realms/shop', [], 'https://sso.example.com/realms/shop'],
    ['gitlabCi', 'https://gitlab.example.com', ['projects=["a/b"]'], 'https://gitlab.com'],
  ] as const) {
    const token = `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.${Buffer.from('{"iss":"https://elsewhere.example"}').toString('base64url')}.c2ln`;
    const args = ['--preset', preset, '--audience', 'orders', ...options.flatMap((option) => ['--option', option])];
    const { stdout, stderr } = await runCommand(['explain', ...args, '--json'], { stdin: token, env: { ISSUER_BASE_URL: environment } });
    expect(stderr).toBe('');
    const { steps } = JSON.parse(stdout) as { steps: { step: string; problem?: { expected?: unknown } }[] };
    expect(steps.find(({ step }) => step === 'issuer')!.problem!.expected).toBe(`iss "${expected}"`);
  }
});

const SECRET = 's3cr3t-0123456789';

test.each([
  ['dpop={"nonceSecret":"*"}', 'dpop with nonceSecret'],
  ['dpop={"nonceSecret":["*","old"]}', 'dpop with nonceSecret'],
  ['issuers=[{"issuer":"https://a.example","introspection":{"clientId":"a","clientSecret":"*"}}]', 'issuers with introspection'],
  ['issuers=[{"issuer":"https://a.example"},{"sharedSecrets":{"utf8":"*"}}]', 'issuers with sharedSecrets'],
  ['issuers=[{"jwks":{"keys":[{"kty":"oct","k":"*"}]}}]', 'issuers with jwks'],
  ['issuers=[{"keyFetching":{"clientSecret":"*"}}]', 'issuers with clientSecret'],
  ['keyFetching={"privateKey":"*"}', 'keyFetching with privateKey'],
  ['shadow={"decryptionKeys":{"key":"*"}}', 'shadow with decryptionKeys'],
  ['revocations={"store":{"password":"*"}}', 'revocations with password'],
  ['clientCertificate={"*-secret":1}', 'clientCertificate with a secret'],
  ['introspection={"clientSecret":"*"}', 'introspection'],
  ['sharedSecrets=*', 'sharedSecrets'],
  ['decryptionKeys={"key":"*"}', 'decryptionKeys'],
  ['decryptionKeys=[{"file":"key.pem"},{"kty":"oct","k":"*"}]', 'decryptionKeys'],
  ['decryptionKeys=*', 'decryptionKeys'],
  ['decryptionKeys={"file":{"key":"*"}}', 'decryptionKeys'],
  ['decryptionKeys={"file":"key.pem","kid":["*"]}', 'decryptionKeys'],
  ['decryptionKeys={"file":"key.pem","algorithms":"*"}', 'decryptionKeys'],
  ['decryptionKeys={"file":"key.pem","algorithms":[{"k":"*"}]}', 'decryptionKeys'],
  ['encryptedTokens={"secret":"*"}', 'encryptedTokens with secret'],
  ['session={"secret":"*"}', 'session'],
  ['credentials={"header":"*"}', 'credentials'],
  ['jwks={"keys":["*"]}', 'jwks'],
])('rule 263: takes no secret inside of an option: %s', async (option, shown) => {
  for (const command of ['doctor', 'explain']) {
    const { code, stdout, stderr } = await withOption(command, option.replace('*', SECRET));
    expect([code, stdout, stderr]).toEqual([
      2,
      '',
      `error: --option ${shown} is not accepted: it may contain a secret, and other users of this machine can see arguments. Leave it out: the command needs no secret\n`,
    ]);
  }
});

test.each([`dpop={nonceSecret:'${SECRET}'}`, `issuers=[{sharedSecrets: "${SECRET}"}]`])('rule 263: searches no value that is not JSON: %s', async (option) => {
  for (const command of ['doctor', 'explain']) {
    const { code, stdout, stderr } = await withOption(command, option);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: --option \w+ needs JSON, such as /);
    expect(stderr).not.toContain(SECRET);
  }
});

test.each([
  'requiredValues={"token_use":"access"}',
  'forbiddenValues={"session_state":"none"}',
  'scopes={"credentials:write":["credentials:read"]}',
  'keyFetching={"bearerTokenFile":"/var/run/secrets/kubernetes.io/serviceaccount/token"}',
  'shadow={"maxTokenAgeSeconds":600}',
])('takes what only sounds like a secret: %s', async (option) => {
  const { code, stderr } = await withOption('doctor', option, ['--issuer', issuer.issuer, '--audience', 'orders']);
  expect(stderr).toBe('');
  // a token is not sent in the clear
  expect(code).toBe(option.includes('bearerTokenFile') ? 1 : 0);
});
