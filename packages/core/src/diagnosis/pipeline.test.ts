import { expect, test } from 'vitest';
import { TEXTS } from '../explain/texts.js';
import type { Reason } from '../vocabulary/reason.js';
import { PIPELINE, stepOf } from './pipeline.js';

test('rule 264: each reason belongs to exactly one step of the pipeline', () => {
  const placed = PIPELINE.flatMap(({ reasons }) => reasons);
  expect(placed.toSorted()).toEqual((Object.keys(TEXTS) as Reason[]).toSorted());
});

test('a claim about time or audience belongs to its own step', () => {
  expect(stepOf('missing_claim', 'exp').step).toBe('time');
  expect(stepOf('invalid_claim', 'aud').step).toBe('audience');
  expect(stepOf('missing_claim', 'department').step).toBe('claims');
  expect(stepOf('missing_claim', 'constructor').step).toBe('claims');
});

test('a token of another issuer has no checked key', () => {
  expect(stepOf('issuer_mismatch')).toEqual({ step: 'issuer', unchecked: ['key', 'signature'] });
  expect(stepOf('expired')).toEqual({ step: 'time', unchecked: [] });
});
