import { strictEqual } from 'node:assert/strict';
import { parseChallenges, type ReceivedChallenge } from '../challenge.js';
import type { Received } from './exchange.js';
import type { Suite } from './suite-case.js';

/** Returns the challenges of a refusal, each of which must be in a line of its own, unless the platform joins them. */
export function challengesOf(answer: Received, { joinsFieldLines }: Pick<Suite, 'joinsFieldLines'>): readonly ReceivedChallenge[] {
  const lines = answer.lines('www-authenticate');
  const challenges = lines.flatMap((line) => parseChallenges(line));
  strictEqual(lines.length, joinsFieldLines ? Math.min(challenges.length, 1) : challenges.length, lines.join('\n'));
  return challenges;
}
