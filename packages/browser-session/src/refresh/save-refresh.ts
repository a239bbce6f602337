import { ConfigurationError } from '@tokenward/core';
import { NO_LINES } from '../cookies/cookie-header.js';
import type { SessionState } from '../session-state.js';
import type { Flights } from './flights.js';
import type { RefreshMemory } from './refresh-memory.js';
import { leaseSeconds, type RefreshSharing } from './refresh-sharing.js';
import type { Refreshed } from './refresher.js';
import type { RefresherParts } from './refresher-parts.js';
import type { SessionEnder } from './session-ender.js';
import { pause } from './turn.js';

/** Saves the result of a refresh. The old refresh token is used up, so the new one must not be lost. */
export type SaveRefresh = (state: SessionState, next: SessionState, release: () => Promise<void>, cookieHeader: string | undefined) => Promise<Refreshed>;

/** The kind of the warning: its text has the lengths of the tokens. */
export const TOO_LARGE_WARNING = 'refresh not kept';
/** The pauses before further attempts: a store that is only slow, or changes its primary, may recover before the result stays in this process alone. */
const SAVE_AGAIN_MS = [100, 400];
/** After those attempts, this process tries in the background, at least as long as the lease keeps others from refreshing. */
const SAVE_LATER_MS = 1000;

/** @param tryAgain runs the refresh of a session again, which finds what is unsaved */
export function createSaveRefresh(
  { config, sessions, publish, warn }: RefresherParts,
  parts: {
    readonly memory: RefreshMemory;
    readonly ender: SessionEnder;
    readonly sharing: RefreshSharing | undefined;
    readonly flights: Pick<Flights, 'follow'>;
  },
  tryAgain: (state: SessionState) => Promise<unknown>,
): SaveRefresh {
  const { memory, ender, sharing, flights } = parts;
  const { recent, unsaved, pauses } = memory;

  async function save(state: SessionState, next: SessionState, release: () => Promise<void>, cookieHeader: string | undefined): Promise<Refreshed> {
    pauses.delete(state.id);
    let setCookies: readonly string[] | undefined;
    let isTooLarge = false;
    try {
      setCookies = await replacePatiently(state, next);
    } catch (error) {
      // a store of somebody else may throw any error
      if (!(error instanceof ConfigurationError)) return keepUnsaved(state, next, release);
      // The tokens have grown too large for cookies. The old refresh token is used up, so only this process can use the session.
      warn(error.message, TOO_LARGE_WARNING);
      isTooLarge = true;
      setCookies = NO_LINES;
    }
    unsaved.delete(state.id);
    if (!setCookies) {
      await release();
      return ender.endedMeanwhile(state, next, cookieHeader);
    }
    ender.watch(next);
    recent.add(state, { state: next, setCookies });
    if (!(await share(state, next))) flights.follow(shareAgain(state, next, release));
    else await release();
    if (isTooLarge) publish('refresh', 'failed', 'tokens_too_large');
    else publish('refresh', 'done');
    return { outcome: 'fresh', state: next, setCookies };
  }

  /** The lease is kept: nobody else may try the old refresh token before this process has had time to save the new one. It ends by itself. */
  function keepUnsaved(state: SessionState, next: SessionState, release: () => Promise<void>): Refreshed {
    const isFirst = unsaved.get(state.id)?.version !== state.version;
    unsaved.set(state.id, { version: state.version, next, release });
    if (isFirst) flights.follow(saveLater(state));
    publish('refresh', 'failed', 'store_unavailable');
    // the previous access token may still be valid: a refresh begins before it expires
    if (config.clock.now() / 1000 < state.accessTokenEndsAt) return { outcome: 'fresh', state, setCookies: NO_LINES };
    return { outcome: 'unavailable', cause: 'the session store cannot be reached, so the refreshed session could not be saved' };
  }

  /** The next request may go to another process, which would send the old refresh token again after the lease. So this process does not wait for a request. */
  async function saveLater(state: SessionState): Promise<void> {
    for (let seconds = 0; seconds < leaseSeconds(config); seconds++) {
      await pause(SAVE_LATER_MS);
      if (unsaved.get(state.id)?.version !== state.version) return;
      await tryAgain(state).catch(() => {});
    }
  }

  async function replacePatiently(state: SessionState, next: SessionState): Promise<readonly string[] | undefined> {
    for (const pauseMs of SAVE_AGAIN_MS) {
      try {
        return await sessions.replace(state, next);
      } catch (error) {
        if (error instanceof ConfigurationError) throw error;
        await pause(pauseMs);
      }
    }
    return sessions.replace(state, next);
  }

  async function share(state: SessionState, next: SessionState): Promise<boolean> {
    try {
      await sharing?.publish(state, next);
      return true;
    } catch (error) {
      // tokens that are too large for the store, too: another attempt would not help, and `save` tells the operator
      if (error instanceof ConfigurationError) return true;
      publish('refresh', 'failed', 'store_unavailable');
      return false;
    }
  }

  /**
   * Meanwhile, the answer sends the browser its new cookie. The lease is kept until others can see the result: otherwise a process that gets the old
   * cookie would send the old refresh token again, and the issuer would end the session.
   */
  async function shareAgain(state: SessionState, next: SessionState, release: () => Promise<void>): Promise<void> {
    for (const pauseMs of SAVE_AGAIN_MS) {
      await pause(pauseMs);
      if (await share(state, next)) return release();
    }
  }

  return save;
}
