import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { workflowProblems } from './workflow-rules.mjs';

const folder = new URL('../.github/workflows/', import.meta.url);
const workflows = new Map(readdirSync(folder).map((name) => [name, readFileSync(new URL(name, folder), 'utf8')]));
const release = workflows.get('release.yml');

test.each([...workflows])('the workflow %s follows the rules', (_, text) => {
  expect(workflowProblems(text)).toEqual([]);
});

test('release.yml: only the publish job has the id-token', () => {
  expect(release.match(/id-token: write/g)).toHaveLength(2); // the comment at the top, and the job
  expect(release).toMatch(/\n {2}publish:\n(?: {4}.*\n)+? {6}id-token: write/);
});

test.each([
  ['a tag instead of a hash', [/@[0-9a-f]{40} # v8/, '@v8 # v8'], /publish: .* is not pinned/],
  ['a short hash', [/@3d3c42e5[0-9a-f]+/, '@3d3c42e5'], /version: .* is not pinned/],
  ['a branch instead of a hash', [/@8488615[0-9a-f]+/, '@main'], /version: .* is not pinned/],
  ['an image with a tag', [/uses: actions\/upload-artifact@\S+/, 'uses: docker://alpine:3'], /build: .* is not pinned/],
  ['a hash without its version', [/ # v7\.0\.1/, ''], /has no comment with its version/],
  ['a checkout that keeps credentials', [/persist-credentials: false/, 'persist-credentials: true'], /version: checkout leaves credentials/],
  ['a checkout without persist-credentials', [/ +persist-credentials: false\n/, ''], /version: checkout leaves credentials/],
  ['a cache of packages', [/ +package-manager-cache: false\n/, ''], /version: setup-node shares a cache/],
  ['permissions of the whole workflow', [/permissions: \{\}/, 'permissions:\n  contents: read'], /permissions of the whole workflow/],
  ['all permissions', [/permissions: \{\}/, 'permissions: write-all'], /permissions of the whole workflow/],
  ['a job without permissions', [/ {4}permissions:\n {6}contents: read\n {4}outputs/, '    outputs'], /build: permissions must be listed/],
  ['a job without a timeout', [/ {4}timeout-minutes: 15\n/, ''], /build: has no timeout/],
  [
    'a checkout in the publishing job',
    [/actions\/download-artifact(@.*\n[^]*?id: publish)/, 'actions/checkout$1'],
    /publish: has id-token, and uses actions\/checkout/,
  ],
  ['an install in the publishing job', [/run: \|\n {10}while/, 'run: |\n          npm ci\n          while'], /publish: has id-token, and runs npm ci/],
  ['an install after another command', [/echo "\$name@\$version is/, 'echo a && npx changeset publish "'], /publish: has id-token, and runs npx changeset/],
  ['a build in a substitution', [/\$\(npm view/, '$(npm run build; npm view'], /publish: has id-token, and runs npm run build/],
  ['more permissions than the id-token', [/( {6}id-token: write)/, '$1\n      contents: write'], /publish: has id-token, and contents as well/],
  [
    'the id-token for the job that builds',
    [/( {6}contents: read\n)( {4}outputs)/, '$1      id-token: write\n$2'],
    /build: has id-token, and runs npm run build/,
  ],
  ['an expression in a script', [/run: npm run build/, 'run: echo ${{ github.event.head_commit.message }}'], /build: a script has an expression/],
  ['a workflow on pull_request_target', [/push:\n {4}branches: \[main\]/, 'pull_request_target:'], /runs on pull_request_target/],
  ['invalid YAML', [/on:/, 'on: [{'], /./],
])('reports %s', (_, [pattern, replacement], problem) => {
  const changed = release.replace(pattern, replacement);
  expect(changed).not.toBe(release);
  expect(workflowProblems(changed)).toContainEqual(expect.stringMatching(problem));
});
