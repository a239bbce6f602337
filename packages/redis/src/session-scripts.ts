import { hashTagged } from './hash-tag.js';

/** The names of the keys of a store. They are in one hash slot, so that a script may use several of them in a cluster too. */
export interface SessionKeys {
  /** Precedes the key of a session. Hash: `s` the sealed state, `v` the version, `u` until when, `i` when the login was, `l` the labels. */
  readonly session: string;
  /** Precedes a label. Sorted set: the keys of the sessions with the label, scored by their end. */
  readonly label: string;
  /** Precedes the key of a lease. String: who has it. */
  readonly lease: string;
}

export function sessionKeysOf(prefix: string): SessionKeys {
  const tagged = hashTagged(prefix);
  return { session: `${tagged}:session:`, label: `${tagged}:label:`, lease: `${tagged}:lease:` };
}

/** More sessions of one user end the user's oldest one, so that one user cannot fill the store. */
const MAX_PER_LABEL = 1000;
/** This package writes no longer text, so longer ones are not sent to clients. A character may take 3 bytes. */
const MAX_SEALED_BYTES = 196_608;
/** How much of the sessions that a logout at the issuer removes is returned. The others are removed all the same. */
const MAX_RETURNED_BYTES = 1_048_576;
/** How far the clocks of two processes may differ until a logout of one misses a session of the other. */
const CLOCKS_DIFFER_SECONDS = 3600;

/**
 * A script without the flag `no-writes` is refused by a replica, which may be behind its master and show sessions that have ended. With `allow-oom` it runs
 * though Redis has no memory left: a session must end, and be read, in any case.
 */
const WITHOUT_MEMORY = '#!lua flags=allow-oom\n';
const WITH_MEMORY = '#!lua\n';

/** `lives(now)`: whether the session is there and has not ended by the caller's clock. */
const LIVES = `
local function lives(now)
  local until_then = tonumber(redis.call('HGET', KEYS[1], 'u') or '')
  return until_then and until_then > tonumber(now)
end
`;

/** `keep(first)`: writes the session and its end; the labels are KEYS from 2 on. ARGV: from \`first\` on: sealed, version, until, how long in ms, now, key, label prefix, session prefix. */
const KEEP = `
local function keep(sealed, version, until_then, ttl)
  redis.call('HSET', KEYS[1], 's', sealed, 'v', version, 'u', until_then)
  redis.call('PEXPIRE', KEYS[1], ttl)
end
local function add_label(name, key, until_then, ttl)
  redis.call('ZADD', name, until_then, key)
  if redis.call('PTTL', name) < tonumber(ttl) then redis.call('PEXPIRE', name, ttl) end
end
`;

/** Adds a session. KEYS: the session, its labels. ARGV: sealed, version, until, for how many ms, now, key, labels as one text, the prefix of sessions, when the login was. */
export const CREATE = `${WITH_MEMORY}${LIVES}${KEEP}
if lives(ARGV[5]) then return 0 end
redis.call('DEL', KEYS[1])
keep(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
redis.call('HSET', KEYS[1], 'l', ARGV[7], 'i', ARGV[9])
for i = 2, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', ARGV[5] - ${CLOCKS_DIFFER_SECONDS})
  while redis.call('ZCARD', KEYS[i]) >= ${MAX_PER_LABEL} do
    local oldest = redis.call('ZRANGE', KEYS[i], '0', '0')[1]
    redis.call('DEL', ARGV[8] .. oldest)
    redis.call('ZREM', KEYS[i], oldest)
  end
  add_label(KEYS[i], ARGV[6], ARGV[3], ARGV[4])
end
return 1
`;

/** Returns the members of a session, or nil. KEYS: the session. */
export const READ = `${WITHOUT_MEMORY}
if redis.call('HSTRLEN', KEYS[1], 's') > ${MAX_SEALED_BYTES} then return false end
return redis.call('HMGET', KEYS[1], 's', 'v', 'u', 'l', 'i')
`;

/**
 * Replaces a session that has a certain version. It never adds one. KEYS: the session. ARGV: sealed, version, until, for how many ms, now, key, the version
 * that it replaces, the prefix of labels.
 */
export const REPLACE = `${WITH_MEMORY}${LIVES}${KEEP}
if not lives(ARGV[5]) then return 'absent' end
if redis.call('HGET', KEYS[1], 'v') ~= ARGV[7] then return 'changed' end
keep(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
for label in string.gmatch(redis.call('HGET', KEYS[1], 'l') or '', '[%w_-]+') do add_label(ARGV[8] .. label, ARGV[6], ARGV[3], ARGV[4]) end
return 'replaced'
`;

/** Removes a session. Returns its members as `READ` does, or nil. KEYS: the session. ARGV: key, the prefix of labels. */
export const REMOVE = `${WITHOUT_MEMORY}
local found = false
if redis.call('HSTRLEN', KEYS[1], 's') <= ${MAX_SEALED_BYTES} then found = redis.call('HMGET', KEYS[1], 's', 'v', 'u', 'l', 'i') end
local labels = redis.call('HGET', KEYS[1], 'l') or ''
redis.call('DEL', KEYS[1])
for label in string.gmatch(labels, '[%w_-]+') do redis.call('ZREM', ARGV[2] .. label, ARGV[1]) end
return found
`;

/**
 * Removes the sessions with a label. Returns the key and the members of each, as `READ` does. KEYS: the label. ARGV: the prefix of sessions; until when the logins
 * of those that are removed were, empty if all are.
 */
export const REMOVE_LABELLED = `${WITHOUT_MEMORY}
local found = {}
local bytes = 0
local issued_until = tonumber(ARGV[2])
for _, key in ipairs(redis.call('ZRANGE', KEYS[1], '0', '-1')) do
  local name = ARGV[1] .. key
  local issued_at = issued_until and tonumber(redis.call('HGET', name, 'i') or '')
  if not issued_at or issued_at <= issued_until then
    local length = redis.call('HSTRLEN', name, 's')
    if length > 0 and bytes + length <= ${MAX_RETURNED_BYTES} then
      bytes = bytes + length
      found[#found + 1] = { key, redis.call('HMGET', name, 's', 'v', 'u', 'l', 'i') }
    end
    redis.call('DEL', name)
    redis.call('ZREM', KEYS[1], key)
  end
end
return found
`;

/** Gives a lease back, if it still belongs to the caller. KEYS: the lease. ARGV: who has it. */
export const RELEASE = `${WITHOUT_MEMORY}
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`;

/** Returns the command for a script. */
export function evaluate(script: string, keys: readonly string[], ...args: readonly (string | number)[]): readonly string[] {
  return ['EVAL', script, String(keys.length), ...keys, ...args.map(String)];
}
