/**
 * The page's side of a browser session. It has no dependency and keeps no token outside of its own memory.
 *
 * @module
 */
export { createSession, type LoginOptions, type Session, type SessionOptions, type SessionUser } from './client/session.js';
export type { Need } from './client/need.js';
export type { EndReason } from './client/tabs.js';
