import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigurationError, TokenwardModule, type NestGuardOptions } from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

async function refusal(useFactory: () => NestGuardOptions | Promise<NestGuardOptions>): Promise<ConfigurationError> {
  const started = world.start({ unguarded: true, imports: [TokenwardModule.forRootAsync({ useFactory })] });
  const error: unknown = await started.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigurationError);
  return error as ConfigurationError;
}

test.each([
  ['undefined', undefined],
  ['null', null],
  ['a string', 'https://login.example.com'],
  ['an array', []],
])('a factory that returns %s stops the start', async (_name, given) => {
  expect((await refusal(() => given as never)).problems).toHaveLength(1);
  await refusal(async () => given as never);
});

test('names an unknown option, all known ones, and every other problem', async () => {
  const { issuer, audience } = world.issuer;
  const { message } = await refusal(() => ({ issuer, audience, scope: 'orders:read' }) as never);
  expect(message).toMatch(/scope.*is not an option/);
  for (const name of ['issuer', 'audience', 'jwksUri', 'clockSkewSeconds', 'rolesClaim', 'property', 'onDenied']) expect(message).toContain(name);
  for (const name of ['leaveUnmarkedHandlersOpen', 'printHandlers', 'rpcAuthorization', 'openApiScheme', 'name']) expect(message).toContain(name);
  expect((await refusal(() => ({ issuer: 'ftp://wrong', audience, scope: '' }) as never)).problems.map(({ path }) => path)).toEqual(['scope', 'issuer']);
});

test('says where the name belongs if a factory returns it', async () => {
  const { issuer, audience } = world.issuer;
  expect((await refusal(() => ({ issuer, audience, name: 'partner' }))).message).toMatch(/name.*forRootAsync\(\{ name, useFactory \}\)/);
});
