import { timingSafeEqual } from 'node:crypto';

/** Compares two texts. The time that it takes reveals only whether they have the same length. */
export function areEqualTexts(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
}
