/** The keys, in one hash slot, so that one script may use them all in a cluster, too. */
export interface Keys {
  /** Sorted set: each live revocation's text, by its end. */
  readonly records: string;
  /** Stream: the same texts, as they came. */
  readonly stream: string;
  /** Which data these are: it is gone, or another, where others took their place. `<seconds since the epoch>.<random>` */
  readonly epoch: string;
  /** Hash: until when tokens of an issuer are refused, since revocations that hit them were forgotten. */
  readonly forgotten: string;
  /** Is there while somebody writes back what was lost. */
  readonly restoring: string;
}

export function keysOf(prefix: string): Keys {
  const tagged = /\{[^}]+\}/.test(prefix) ? prefix : `{${prefix}}`;
  return {
    records: `${tagged}:records`,
    stream: `${tagged}:stream`,
    epoch: `${tagged}:epoch`,
    forgotten: `${tagged}:forgotten`,
    restoring: `${tagged}:restoring`,
  };
}

/**
 * Kept in the stream, about: whoever was cut off for longer reads everything. It holds what all processes write back after a loss of data, of
 * fleets that are not huge, so that none of them falls behind then.
 */
export const STREAM_LENGTH = 50_000;

/** Gives a data set its name, if it has none. ARGV: random text */
export const NAME_IT = `
redis.call('SET', KEYS[3], redis.call('TIME')[1] .. '.' .. ARGV[1], 'NX')
`;

/**
 * Adds revocations: of those that are there already nothing is said in the stream, so that many may write the same. ARGV: random text, the
 * stream's length, for how many milliseconds others are to wait for more that was lost, and of each record its text, its end, and of a remainder
 * its issuer and moment.
 */
export const ADD = `${NAME_IT}
if ARGV[3] ~= '0' then redis.call('SET', KEYS[5], '1', 'PX', ARGV[3]) end
for at = 4, #ARGV, 4 do
  local is_new
  if ARGV[at + 2] == '' then
    is_new = redis.call('ZADD', KEYS[1], 'NX', ARGV[at + 1], ARGV[at]) == 1
  else
    local known = redis.call('HGET', KEYS[4], ARGV[at + 2])
    is_new = not known or (tonumber(known) or -1) < tonumber(ARGV[at + 3])
    if is_new then redis.call('HSET', KEYS[4], ARGV[at + 2], ARGV[at + 3]) end
  end
  if is_new then redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'r', ARGV[at]) end
end
return 1
`;

/**
 * What came after an id, and all that tells whether something is missing, in one moment. ARGV: id, how many at the most.
 * Returns: epoch, the stream's last id, how many were ever added to it, how many records there are, the entries, the server's time, whether
 * somebody writes back what was lost.
 */
export const LOOK = `
local last, added = '0-0', 0
local entries = false
if redis.call('EXISTS', KEYS[2]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[2])
  added = -1
  for at = 1, #info, 2 do
    if info[at] == 'last-generated-id' then last = info[at + 1] end
    if info[at] == 'entries-added' then added = info[at + 1] end
  end
  if ARGV[1] ~= '' then entries = redis.call('XREAD', 'COUNT', ARGV[2], 'STREAMS', KEYS[2], ARGV[1]) end
end
return { redis.call('GET', KEYS[3]), last, added, redis.call('ZCARD', KEYS[1]), entries and entries[1][2] or {}, redis.call('TIME')[1],
  redis.call('EXISTS', KEYS[5]) }
`;

/** Those whose time has been over for long, by the server's clock alone. ARGV: for how many seconds, how many at the most */
export const LONG_OVER = `
return redis.call('ZRANGE', KEYS[1], '-inf', '(' .. (redis.call('TIME')[1] - ARGV[1]), 'BYSCORE', 'LIMIT', '0', ARGV[2])
`;

/** Takes records out, and keeps what they leave behind. ARGV: how many records, their texts, and pairs of issuer and moment */
export const TAKE_OUT = `
local count = tonumber(ARGV[1])
for at = count + 2, #ARGV, 2 do
  local known = redis.call('HGET', KEYS[4], ARGV[at])
  if not known or (tonumber(known) or -1) < tonumber(ARGV[at + 1]) then redis.call('HSET', KEYS[4], ARGV[at], ARGV[at + 1]) end
end
for at = 2, count + 1 do redis.call('ZREM', KEYS[1], ARGV[at]) end
return 1
`;

export function script(text: string, { records, stream, epoch, forgotten, restoring }: Keys, ...args: readonly (string | number)[]): readonly string[] {
  return ['EVAL', text, '5', records, stream, epoch, forgotten, restoring, ...args.map(String)];
}
