import { expect, test } from 'vitest';
import { readPlan } from './arguments.ts';
import { FRAMEWORKS } from './framework.ts';

test('measures everything on all frameworks by default, and names only that result "latest"', () => {
  const { name, frameworks, validation, adapters, http, hostile } = readPlan([]);
  expect(name).toBe('latest');
  expect(frameworks).toEqual(FRAMEWORKS);
  expect([validation, adapters, http, hostile]).not.toContain(undefined);
  for (const args of [['--quick'], ['--only', 'http'], ['--framework', 'koa']]) expect(readPlan(args).name).not.toBe('latest');
});

test('measures only the part that --only names', () => {
  const { name, validation, adapters, http, hostile } = readPlan(['--only', 'http']);
  expect(name).toBe('http');
  expect(http).toBeDefined();
  expect([validation, adapters, hostile]).toEqual([undefined, undefined, undefined]);
});

test('measures sessions on their own, once for all frameworks', () => {
  const { name, session, http, adapters } = readPlan(['--quick', '--only', 'session']);
  expect(name).toBe('quick');
  expect(session?.refreshes).toMatchObject({ processes: 4, calls: 50 });
  expect([http, adapters]).toEqual([undefined, undefined]);
});

test('measures only the frameworks that --framework names, without the validation part', () => {
  const { name, frameworks, validation, http } = readPlan(['--', '--framework', 'koa', '--framework', 'express', '--only', 'http']);
  expect(frameworks).toEqual(['express', 'koa']);
  expect(name).toBe('http-koa-express');
  expect(http).toBeDefined();
  expect(readPlan(['--framework', 'koa']).validation).toBeUndefined();
  expect(validation).toBeUndefined();
});

test('refuses unknown arguments', () => {
  expect(() => readPlan(['--only', 'speed'])).toThrow('--only speed is unknown. Use one of validation, adapters, http, hostile');
  expect(() => readPlan(['--framework', 'hapi'])).toThrow('--framework hapi is unknown. Use one of express, ');
  expect(() => readPlan(['--only', 'validation', '--framework', 'koa'])).toThrow('does not apply to the validation part');
  expect(() => readPlan(['--seed', 'x'])).toThrow('--seed x is not a whole number');
});
