/**
 * For authors of shared stores: the interfaces that a store implements, and the parts to build it from.
 *
 * @module
 */
export type { RevocableToken, RevocationRecord } from './revocation/revocation.js';
export type { RevocationHealth, RevocationStore } from './revocation/store.js';
export { createListeners, type Listeners } from './revocation/listeners.js';
export { createRevocationMirror, type MirrorLimits, type RevocationMirror, type RevocationOverflow } from './revocation/mirror.js';
export type { BrowserSessionCredentials, SessionFailure, SessionToken } from './session/session-credentials.js';
export { SESSION_CREDENTIALS } from './session/session-credentials.js';
export { START_TEST_SESSION, type TestableBrowserSession, type TestSessionTokens } from './session/test-session.js';
export type { RefreshLease, ReplaceAnswer, SessionStore, SessionStoreHealth, StoredSession } from './session/session-store.js';
export { SessionStoreError } from './session/session-store.js';
export { REVOCATION_KINDS, REVOCATION_REASONS } from './vocabulary/revocation-words.js';
export { SESSION_EVENT_ACTIONS, SESSION_EVENT_OUTCOMES, SESSION_EVENT_REASONS } from './vocabulary/session-words.js';
export type { SessionEventAction, SessionEventOutcome, SessionEventReason } from './vocabulary/session-words.js';
export type { MemorySessionsOptions } from './session/memory-sessions.js';
export { checkStoredSession } from './session/check-stored-session.js';
export { memoryIntrospections, type IntrospectionCache } from './issuer/introspection-cache.js';
export { isSameAlgorithm } from './jose/algorithms.js';
export { createOutageWarnings, type OutageWarnings } from './events/outage-warnings.js';
export { readClock } from './lib/clock.js';
export { misuse } from './lib/configuration-error.js';
export { areEqualTexts } from './lib/equal-texts.js';
export { assertSeconds, MOST_BYTES, MOST_ENTRIES, MOST_INTROSPECTION_SECONDS, MOST_LEASE_SECONDS, MOST_REPLAY_SECONDS } from './lib/limit.js';
export { createLruMap, type LruMap } from './lib/lru.js';
export { isError } from './lib/native-error.js';
export { returnsTrue } from './lib/thenable.js';
export { placeOf } from './lib/place-of.js';
export { isNumericDate } from './lib/numeric-date.js';
export { OptionReader, plainOptions } from './lib/option-reader.js';
export { numberOption, readTable, type OptionTable, type ReadOption } from './lib/option-table.js';
export { memoryReplays, type ReplayAnswer, type ReplayStore } from './lib/replays.js';
export { assertionKey, type AssertionKey, type PrivateKeyOption } from './net/assertion-key.js';
export { checkClientAuthentication, readClientAuthentication, readPrivateKey, readTls } from './net/client-options.js';
export { bodyWithoutMessages, failureWords, silenceHint, withoutMessage } from './net/fetch-failure.js';
export { discover, OtherIssuerError } from './net/metadata.js';
export { InternalAddressError, isInternal } from './net/public-address.js';
export { nodeRequest, readBytes, type Answer, type PostRequest, type TlsParts, type Transport } from './net/transport.js';
export { isMisleadingPath } from './lib/misleading-path.js';
export { parseJson } from './lib/parse-json.js';
export { shown } from './lib/shown-option.js';
export { canonicalProblem, isLoopback, leadsToOtherHost, printable, printableUrl, urlProblem } from './lib/url.js';
export { isProduction } from './lib/production.js';
