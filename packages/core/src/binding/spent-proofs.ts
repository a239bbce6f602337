import type { KeptForProofs } from './confirmation.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';
import { inTime, TIMEOUT_SECONDS } from '../lib/in-time.js';
import { createMemory, type Slot } from '../lib/private-slot.js';
import { isThenable } from '../lib/thenable.js';
import { classOf } from '../lib/thrown.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { replayName, type ReplayStore } from '../lib/replays.js';

type Result = VerificationFailure | undefined;

/**
 * A valid proof. The thumbprint of its key and its `jti` are its name in the store, and the sender is charged for the place that it takes there. If its nonce is
 * old, the client gets a new one.
 */
export type Spendable = readonly [jkt: string, jti: string, sender: Sender, kept: KeptForProofs, newNonce?: string | undefined];

/** Who is answerable for a proof, by the verified token. */
export interface Sender {
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly clientId: string | undefined;
}

/** What a request has proven. One guard or several may check a request several times. Together, these checks count as one use of the proof. */
interface Proven {
  /** Compared by identity: a connection may hold several requests, and what one of them proves does not count for the next (rule 89). */
  readonly headers: object;
  readonly proof: string | readonly string[];
  readonly token: string;
  readonly by: { readonly check: object; readonly replays: ReplayStore; readonly newNonce: string | undefined; result: Result | Promise<Result> }[];
}

/** Kept on the object that lives as long as the request (`heldBy`): each guard sees a request as an object of its own. */
const proven = createMemory<object, Proven>();

/**
 * Returns a function that spends the proof of a request. Every other request with that proof is then refused. The request itself may be checked again, and so may
 * a socket that it was upgraded to.
 *
 * @param ttlSeconds how long a proof may be accepted
 * @param renew is called with the client's new nonce if the returned function has accepted the request before, perhaps as another object
 */
export function createSpending(replays: ReplayStore, ttlSeconds: number, renew?: (request: ProtectedRequest, newNonce: string) => void) {
  const check = {};

  /** @param examine checks everything else about the proof. It does not run if this function has accepted the request before */
  return function spend(
    request: ProtectedRequest,
    proof: Proven['proof'],
    token: string,
    examine: () => VerificationFailure | Spendable,
  ): Result | Promise<Result> {
    const holder = request.identity ?? request.heldBy;
    const slot = holder && proven.slotOf(holder);
    const earlier = slot?.value;
    const isSame = earlier?.headers === request.headers && earlier.proof === proof && earlier.token === token;
    const own = isSame ? earlier.by.find((one) => one.check === check) : undefined;
    if (own) {
      if (own.newNonce !== undefined) renew?.(request, own.newNonce);
      return own.result;
    }
    const examined = examine();
    if (!isSpendable(examined)) return examined;
    const other = isSame ? earlier.by.find((one) => one.replays === replays) : undefined;
    const result = other ? other.result : add(replays, examined, ttlSeconds);
    return slot
      ? remember(slot, isSame ? earlier : { headers: request.headers, proof, token, by: [] }, { check, replays, newNonce: examined[4], result })
      : result;
  };
}

function isSpendable(examined: VerificationFailure | Spendable): examined is Spendable {
  return Array.isArray(examined);
}

/** Remembers only results that are accepted or still pending. After a failure, the store decides again. */
function remember(slot: Slot<Proven>, of: Proven, entry: Proven['by'][number]): Result | Promise<Result> {
  const { result } = entry;
  if (result !== undefined && !(result instanceof Promise)) return result;
  const before = slot.value;
  slot.value = of;
  of.by.push(entry);
  if (!(result instanceof Promise)) return result;
  return result.then((late) => {
    if (late === undefined) entry.result = undefined;
    else of.by.splice(of.by.indexOf(entry), 1);
    if (of.by.length === 0 && slot.value === of) slot.value = before;
    return late;
  });
}

/** Adds a proof to the store. Never throws and never rejects: a store that fails is unavailable. */
function add(replays: ReplayStore, [jkt, jti, sender, kept]: Spendable, ttlSeconds: number): Result | Promise<Result> {
  try {
    const answer: unknown = replays.add(proofName(jkt, jti), ttlSeconds, (kept.owner ??= ownerOf(sender, jkt)));
    return isThenable(answer) ? failureInTime(answer) : failureOf(answer);
  } catch (thrown) {
    return failed(thrown);
  }
}

/** A `jti` that is a UUID, or random bytes in base64url. */
const PLAIN_JTI = /^[\w-]{1,64}$/;

/** Returns the name of a proof. A `jti` that is long or has unusual characters is hashed. A hash contains no dot, so it never equals a plain name. */
export function proofName(jkt: string, jti: string): string {
  return PLAIN_JTI.test(jti) ? `${jkt}.${jti}` : replayName(jkt, jti);
}

/**
 * Returns who is charged for a proof. That is the subject, because one subject may have many keys, tokens and clients, and because the users of one client must
 * not share a limit. A client that acts for itself is its own subject. A token may name no subject and no client.
 */
function ownerOf({ issuer, subject, clientId }: Sender, jkt: string): string {
  if (subject !== undefined) return replayName('subject', issuer, subject);
  return clientId === undefined ? replayName('key', issuer, jkt) : replayName('client', issuer, clientId);
}

function failureInTime(answer: PromiseLike<unknown>): Promise<Result> {
  return inTime(Promise.resolve(answer).then(failureOf, failed), () => unavailable(`the store did not answer within ${TIMEOUT_SECONDS} s`));
}

function failureOf(answer: unknown): Result {
  if (answer === true) return undefined;
  if (answer === false) return { reason: 'replayed_proof' };
  if (answer === 'owner-full') return unavailable('the subject of the token has used its share of the store');
  return unavailable(answer === 'full' ? 'the store is full' : 'the store answered neither true, false nor "full"');
}

/** Only the class is shown: an error of a user's store may quote anything. */
function failed(thrown: unknown): VerificationFailure {
  return unavailable(`the store threw ${classOf(thrown)}`);
}

function unavailable(cause: string): VerificationFailure {
  return { reason: 'replays_unavailable', cause };
}
