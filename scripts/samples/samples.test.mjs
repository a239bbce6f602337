import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { samplesOf } from './blocks.mjs';
import { checkCommands, knownPackages } from './commands.mjs';
import { compile } from './compile.mjs';
import { checkData } from './data.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const fence = (language, ...lines) => ['```' + language, ...lines, '```'].join('\n');

test('finds each block of JavaScript and TypeScript, with its line', () => {
  const found = samplesOf(['text', fence('js', 'one();', 'two();'), '', fence('sh', 'npm test'), fence('ts', 'three();')].join('\n'), 'a.md');
  expect(found.map(({ line, code }) => [line, code])).toEqual([
    [3, 'one();\ntwo();'],
    [11, 'three();'],
  ]);
});

test('removes the indentation of a block in a list', () => {
  expect(samplesOf('- text\n\n  ```js\n  if (a) {\n    b();\n  }\n  ```', 'a.md')[0].code).toBe('if (a) {\n  b();\n}');
});

test('reads the mark or the reason not to compile from the comment before a block', () => {
  const [sample] = samplesOf(`<!-- sample: koa -->\n\n${fence('js', 'a();')}`, 'a.md');
  expect(sample).toMatchObject({ mark: 'koa', notCompiled: undefined });
  const [text] = samplesOf(`<!-- no program: it shows a shape -->\n${fence('js', 'a();')}`, 'a.md');
  expect(text).toMatchObject({ mark: undefined, notCompiled: 'it shows a shape' });
});

test("divides a block with another package's part, and keeps the line numbers", () => {
  const samples = samplesOf(fence('js', "import a from 'a';", '// before', 'theirs();', '', '// after', 'ours();'), 'a.md');
  expect(samples).toMatchObject([
    { isBefore: false, code: "import a from 'a';\n\n\n\n// after\nours();" },
    { isBefore: true, code: '\n// before\ntheirs();\n\n\n' },
  ]);
});

test("compiles another package's part as JavaScript, against that package", async () => {
  const sample = (line, code) => ({ file: 'docs/migrate/express-jwt.md', line, code, context: 'express', isBefore: true });
  const imported = "import jwksRsa from 'jwks-rsa';\n";
  const problems = await compile(root, [
    sample(2, `${imported}app.use((err, req, res, next) => next(jwksRsa.expressJwtSecret({ jwksUri })));`),
    sample(9, `${imported}jwksRsa.koaSecret({ jwksUri });`),
    sample(15, "scope('orders:read');"),
  ]);
  expect(problems).toEqual([
    expect.stringMatching(/^docs\/migrate\/express-jwt\.md:10 error TS2551: Property 'koaSecret' does not exist/),
    expect.stringMatching(/^docs\/migrate\/express-jwt\.md:15 error TS2304: Cannot find name 'scope'/),
  ]);
});

test('reports commands that the command line does not accept, and packages that nothing depends on', () => {
  const good = [
    'npx tokenward doctor --issuer https://login.example.com \\',
    '  --audience https://api.example.com',
    'curl -H "Authorization: Bearer $(npx tokenward token --scope orders:read)" http://localhost:3000',
    'npx tokenward explain --issuer https://login.example.com < token | less',
    'npm install --save-dev @tokenward/testing vitest@5',
    'npx tokenward issuer & # in the background',
  ];
  const bad = ['npx tokenward token --scpoe orders:read', 'npx tokenward docter', 'npm install @tokenward/expres', 'npx tokenward attack'];
  const text = [fence('sh', ...good), 'Try `npx tokenward routes`, or `npx tokenward routes app.js --fail`.', fence('sh', ...bad)].join('\n');
  const { count, problems } = checkCommands(text, 'a.md', knownPackages(root));
  expect(count).toBe(12);
  expect(problems).toEqual([
    expect.stringMatching(/^a\.md:11 is no command of tokenward: .*--scope/),
    expect.stringMatching(/^a\.md:12 is no command of tokenward: there is no command docter/),
    'a.md:13 installs @tokenward/expres, which nothing in the workspace depends on',
    expect.stringMatching(/^a\.md:14 is no command of tokenward: <url> is missing/),
    expect.stringMatching(/^a\.md:9 is no command of tokenward: .*--fail/),
  ]);
});

test('reports JSON and YAML that is malformed, with its line', () => {
  const list = '- text\n\n  ```yaml\n  a: [1\n  b: 2\n  ```';
  const { count, problems } = checkData(['text', fence('json', '{ "a": 1 }'), fence('json', '{ a: 1 }'), list, fence('sh', '{')].join('\n'), 'a.md');
  expect(count).toBe(3);
  expect(problems).toEqual([expect.stringMatching(/^a\.md:6 is not JSON: /), expect.stringMatching(/^a\.md:11 is not YAML: /)]);
});

test('throws for a block with an unknown language or without an end', () => {
  expect(() => samplesOf(fence('TypeScript', 'a();'), 'a.md')).toThrow('a.md:1 has the unknown language "TypeScript"');
  expect(() => samplesOf('```js\na();', 'a.md')).toThrow('a.md:1 the block has no end');
});

test('reports errors in a sample with file and line, and nothing for a correct sample', async () => {
  const sample = (code, more) => ({ file: 'docs/a.md', line: 7, code, context: 'express', ...more });
  const problems = await compile(root, [
    sample("app.get('/orders', guard(scope('orders:read')), (req, res) => res.json({ for: getAuth(req).subject }));"),
    sample("const fine = 1;\nguard('orders:read');"),
    sample('onDenied(decision, req, res) {\n  res.status(decision.states);\n}', {
      line: 20,
      inside: ["const members: import('@tokenward/express').ExpressGuardOptions = {", '};'],
    }),
  ]);
  expect(problems.filter((problem) => problem.startsWith('docs/'))).toEqual([
    expect.stringMatching(/^docs\/a\.md:8 error TS2345: Argument of type 'string'/),
    expect.stringMatching(/^docs\/a\.md:21 error TS2551: Property 'states' does not exist/),
  ]);
});

test('compiles a sample that declares claims as a program of its own', async () => {
  const declaring = (name) =>
    `declare module '@tokenward/express' {\n  interface Register {\n    claims: { ${name}: string };\n  }\n}\nauth.claims.${name}.trim();`;
  const undeclared = 'auth.claims.tenant.trim();';
  const samples = [declaring('tenant'), declaring('partner'), undeclared].map((code, index) => ({
    file: 'docs/a.md',
    line: 7 + index * 20,
    code,
    context: 'express',
  }));
  expect(await compile(root, samples)).toEqual([expect.stringMatching(/^docs\/a\.md:47 error TS\d+: .*unknown/)]);
});

test('throws for an unknown context', async () => {
  await expect(compile(root, [{ file: 'a.md', line: 2, code: '', context: 'hapi' }])).rejects.toThrow('a.md:2 has the unknown context "hapi"');
});
