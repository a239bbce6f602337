import type { SessionConfig } from '../config.js';
import type { Warn } from '../warnings.js';

export const CORRECTION = 'Let both follow NTP';

/** Returns a difference of clocks in words. They are rough, so that a warning does not change from login to login. */
export function minutesOf(seconds: number): string {
  const minutes = Math.max(1, Math.round(seconds / 60));
  if (minutes >= 120) return `${Math.round(minutes / 60)} hours`;
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}

/**
 * Warns, once, if the clock of this server is ahead of the issuer's. The login succeeds then, but access tokens expire here
 * earlier than the issuer meant. If the clock is behind, the login fails.
 *
 * @param issuedAt `iat` of an ID token that has just arrived
 */
export function warnAboutClock(issuedAt: number, { clock, clockSkewSeconds, issuer, timeoutSeconds }: SessionConfig, warn: Warn): void {
  const seconds = clock.now() / 1000 - issuedAt;
  // the answer may have taken as long as a call may
  if (seconds <= clockSkewSeconds + timeoutSeconds) return;
  warn(
    `tokenward: the clock of this server is about ${minutesOf(seconds)} ahead of that of ${issuer}, so the issuer's tokens seem to have ended too early. ${CORRECTION}`,
    'clock',
  );
}
