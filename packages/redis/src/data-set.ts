/** The keys, in one hash slot, so that one script may use them all in a cluster, too. */
export interface Keys {
  /** Sorted set: each live revocation's text, by its end. */
  readonly records: string;
  /** Stream: the same texts, as they came. */
  readonly stream: string;
  /** Which data these are: it is gone, or another, where others took their place. */
  readonly epoch: string;
  /** Hash: until when tokens of an issuer are refused, since revocations that hit them were forgotten. */
  readonly forgotten: string;
  /** Sorted set: who writes back what was lost, and until when they are waited for. */
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

/** The stream keeps about so many entries: a process that was cut off for longer reads everything. */
export const STREAM_LENGTH = 50_000;

/** Entries that were written back after a loss hold many records each. They stay in the stream so long, for processes that are slow. */
const RESTORED_SECONDS = 60;

/** A data set's name, which also stands in it, so that it is seen when a part of it is gone. `<seconds since the epoch>.<random>` */
export function isEpoch(text: string): boolean {
  return /^\d{1,12}\.[0-9a-f-]{36}$/.test(text);
}

/** `wholeEpoch()`: the name of the data set, false where it has none, or where one of its parts was deleted, evicted or replaced. */
const WHOLE_EPOCH = `
local function whole_epoch()
  local epoch = redis.call('GET', KEYS[3])
  if epoch and #epoch <= 64 and redis.call('ZSCORE', KEYS[1], epoch) and redis.call('HEXISTS', KEYS[4], epoch) == 1 then return epoch end
  return false
end
`;

/**
 * Names a data set that has no name, or has lost a part. The name in the stream wakes all processes that wait for news, so that all of them
 * notice the loss within milliseconds; older entries belong to what was lost, and nobody can follow them.
 */
const NAME_IT = `${WHOLE_EPOCH}
local function name_it(random)
  if whole_epoch() then return end
  local epoch = redis.call('TIME')[1] .. '.' .. random
  redis.call('SET', KEYS[3], epoch)
  redis.call('ZADD', KEYS[1], '+inf', epoch)
  redis.call('HSET', KEYS[4], epoch, '0')
  redis.call('XADD', KEYS[2], 'MAXLEN', '1', '*', 'r', epoch)
end
`;

/**
 * Begins to read all. ARGV: random text, who reads, and for how many seconds others are to wait for what this process writes back: for all of it,
 * and for what it has learned lately (0: for nothing).
 */
export const BEGIN = `${NAME_IT}
name_it(ARGV[1])
if ARGV[3] ~= '0' then
  local now = redis.call('TIME')[1]
  redis.call('ZADD', KEYS[5], now + ARGV[3], ARGV[2], now + ARGV[4], 'lately:' .. ARGV[2])
  redis.call('EXPIRE', KEYS[5], ${RESTORED_SECONDS * 10})
end
`;

/** What is no moment, whoever wrote it, keeps none out. */
const MOMENT = `
local function moment(text)
  local seconds = tonumber(text)
  if seconds and seconds >= 0 and seconds <= 253402300799 then return seconds end
  return -1
end
`;

/**
 * Adds revocations: those that are there already do not go into the stream, so that many processes may write the same. ARGV: random text, the
 * stream's length, who writes, for how many seconds others are to wait for more that was lost (0: unchanged; -1: no longer), whether they still
 * wait for what this process has learned lately (0: unchanged; -1: no longer), 1 where the records are to share one entry of the stream; and of
 * each record its text, its end, and of a remainder its issuer and moment.
 */
export const ADD = `${NAME_IT}${MOMENT}
name_it(ARGV[1])
local restoring = tonumber(ARGV[4])
if restoring > 0 then
  redis.call('ZADD', KEYS[5], redis.call('TIME')[1] + restoring, ARGV[3])
elseif restoring < 0 then
  redis.call('ZREM', KEYS[5], ARGV[3])
end
if ARGV[5] == '-1' then redis.call('ZREM', KEYS[5], 'lately:' .. ARGV[3]) end
local fields = {}
for at = 7, #ARGV, 4 do
  local is_new
  if ARGV[at + 2] == '' then
    is_new = redis.call('ZADD', KEYS[1], 'NX', ARGV[at + 1], ARGV[at]) == 1
  else
    is_new = moment(redis.call('HGET', KEYS[4], ARGV[at + 2])) < tonumber(ARGV[at + 3])
    if is_new then redis.call('HSET', KEYS[4], ARGV[at + 2], ARGV[at + 3]) end
  end
  if is_new and ARGV[6] == '1' then
    fields[#fields + 1] = 'r'
    fields[#fields + 1] = ARGV[at]
  elseif is_new then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'r', ARGV[at])
  end
end
if #fields > 0 then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', unpack(fields))
  redis.call('ZADD', KEYS[5], -redis.call('TIME')[1], 'trim')
end
if restoring > 0 or #fields > 0 then redis.call('EXPIRE', KEYS[5], ${RESTORED_SECONDS * 10}) end
return 1
`;

/** A text of 32,768 characters has no more bytes in UTF-8. What is longer was not written by this package, and no client is to be sent it. */
const MAX_TEXT_BYTES = 98_304;
/** No entry of the stream that this package writes is larger: it holds one text, or many short ones. */
const MAX_ENTRY_BYTES = 1_048_576;
/** So much is read of the stream at a time. */
const MAX_READ_BYTES = 4_194_304;

/** `short(text)`: what takes the place of a text that is too long is no revocation either, and is counted as that. */
const SHORT = `
local function short(text) return #text <= ${MAX_TEXT_BYTES} and text or '' end
`;

/**
 * `entries_after(id, most)`: the stream's entries, and 1 where there may be more, though they are fewer than `most`. Of one that is too large only the
 * id is left. Each text adds 16 bytes, so that many empty ones count, too. Few are read at a time, since nobody knows how large they are.
 */
const ENTRIES_AFTER = `
local function entries_after(id, most)
  local entries, bytes, batch = {}, 0, 1
  repeat
    local reply = redis.call('XREAD', 'COUNT', math.min(batch, most - #entries), 'STREAMS', KEYS[2], id)
    local found = reply and reply[1][2] or {}
    batch = math.min(batch * 2, 32)
    for _, entry in ipairs(found) do
      local of_entry = 0
      for _, text in ipairs(entry[2]) do of_entry = of_entry + #text + 16 end
      bytes = bytes + of_entry
      if of_entry > 65536 then batch = 1 end
      if of_entry > ${MAX_ENTRY_BYTES} then entry[2] = { 'r', '' } end
      entries[#entries + 1] = entry
      id = entry[1]
    end
  until #found == 0 or #entries >= most or bytes > ${MAX_READ_BYTES}
  return entries, bytes > ${MAX_READ_BYTES} and 1 or 0
end
`;

/** What came after an id. ARGV: id, how many entries at the most. Returns the entries. */
export const NEXT = `${ENTRIES_AFTER}
local entries = entries_after(ARGV[1], tonumber(ARGV[2]))
return entries
`;

/** A page of the records: ZSCAN's answer. ARGV: cursor, about how many. */
export const SCAN = `${SHORT}
local page = redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
for at = 1, #page[2] do page[2][at] = short(page[2][at]) end
return page
`;

/** The moments that are left of issuers: HGETALL's answer. */
export const FORGOTTEN = `${SHORT}
local all = redis.call('HGETALL', KEYS[4])
for at = 1, #all do all[at] = short(all[at]) end
return all
`;

/**
 * What came after an id, and all that tells whether something is missing, in one moment. ARGV: id, how many entries at the most.
 * Returns: epoch, the stream's last id, how many were ever added to it, the entries, the server's time, whether somebody writes back what was
 * lost (1) and in this also what was learned lately (2), for how long the server has been there, and 1 where there may be more entries.
 */
export const LOOK = `${WHOLE_EPOCH}${ENTRIES_AFTER}
local last, added = '0-0', 0
local entries, more = {}, 0
if redis.call('EXISTS', KEYS[2]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[2])
  added = -1
  for at = 1, #info, 2 do
    if info[at] == 'last-generated-id' then last = info[at + 1] end
    if info[at] == 'entries-added' then added = info[at + 1] end
  end
  if ARGV[1] ~= '' then entries, more = entries_after(ARGV[1], tonumber(ARGV[2])) end
end
local now = redis.call('TIME')[1]
local restored = 0
for _, who in ipairs(redis.call('ZRANGE', KEYS[5], now, '+inf', 'BYSCORE', 'LIMIT', '0', '1000')) do
  restored = math.max(restored, string.sub(who, 1, 7) == 'lately:' and 2 or 1)
end
local uptime = string.match(redis.call('INFO', 'server'), 'uptime_in_seconds:(%d+)')
return { whole_epoch(), last, added, entries, now, restored, tonumber(uptime or '0'), more }
`;

/**
 * Those whose time has been over for long, by the server's clock alone; what is too long to be one is taken out at once.
 * ARGV: for how many seconds, how many at the most
 */
export const LONG_OVER = `
local over = {}
for _, text in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', '(' .. (redis.call('TIME')[1] - ARGV[1]), 'BYSCORE', 'LIMIT', '0', ARGV[2])) do
  if #text <= ${MAX_TEXT_BYTES} then over[#over + 1] = text else redis.call('ZREM', KEYS[1], text) end
end
return over
`;

/** Takes records out, and keeps what they leave behind. ARGV: how many records, their texts, and pairs of issuer and moment */
export const TAKE_OUT = `${MOMENT}
local count = tonumber(ARGV[1])
for at = count + 2, #ARGV, 2 do
  if moment(redis.call('HGET', KEYS[4], ARGV[at])) < tonumber(ARGV[at + 1]) then redis.call('HSET', KEYS[4], ARGV[at], ARGV[at + 1]) end
end
for at = 2, count + 1 do redis.call('ZREM', KEYS[1], ARGV[at]) end
return 1
`;

/** Takes the entries of what was written back out of the stream, a while after the last of them. */
export const TRIM = `
local at = redis.call('ZSCORE', KEYS[5], 'trim')
if at and redis.call('TIME')[1] + at > ${RESTORED_SECONDS} then
  redis.call('XTRIM', KEYS[2], 'MINID', string.format('%.0f', (1 - at) * 1000))
  redis.call('ZREM', KEYS[5], 'trim')
end
`;

export function script(text: string, { records, stream, epoch, forgotten, restoring }: Keys, ...args: readonly (string | number)[]): readonly string[] {
  return ['EVAL', text, '5', records, stream, epoch, forgotten, restoring, ...args.map(String)];
}
