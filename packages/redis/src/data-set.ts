import { hashTagged } from './hash-tag.js';

/** The keys of a data set. They are in one hash slot, so that a script may use all of them in a cluster too. */
export interface Keys {
  /** Sorted set: the text of each live revocation, scored by its end. */
  readonly records: string;
  /** Stream: the same texts in the order in which they were added. */
  readonly stream: string;
  /** String: the data set's name. If the data was lost or replaced, the name is missing or different. */
  readonly epoch: string;
  /** Hash: each issuer's cut-off. Its tokens issued up to then are refused, because revocations that covered them were removed. */
  readonly forgotten: string;
  /** Sorted set: the processes that write back lost records, scored by how long others wait for them. */
  readonly restoring: string;
}

export function keysOf(prefix: string): Keys {
  const tagged = hashTagged(prefix);
  return {
    records: `${tagged}:records`,
    stream: `${tagged}:stream`,
    epoch: `${tagged}:epoch`,
    forgotten: `${tagged}:forgotten`,
    restoring: `${tagged}:restoring`,
  };
}

/** About how many entries the stream keeps. A process that missed more reads everything. */
export const STREAM_LENGTH = 50_000;

/** How long others wait for the next portion of what a process writes back, or to hear that there is none. Older versions in the fleet use the same time. */
export const AWAIT_SECONDS = 30;

/** How long entries of many records, written back after a loss, stay in the stream for slow processes. */
const RESTORED_SECONDS = 60;

/** Whether a text is a data set's name: `<seconds since the epoch>.<random>`. Each key contains the name, which shows whether a part was lost. */
export function isEpoch(text: string): boolean {
  return /^\d{1,12}\.[0-9a-f-]{36}$/.test(text);
}

/** `whole_epoch()`: the data set's name, or false if it has none or if a part of it was deleted, evicted or replaced. */
export const WHOLE_EPOCH = `
local function whole_epoch()
  local epoch = redis.call('GET', KEYS[3])
  if epoch and #epoch <= 64 and redis.call('ZSCORE', KEYS[1], epoch) and redis.call('HEXISTS', KEYS[4], epoch) == 1 then return epoch end
  return false
end
`;

/**
 * `name_it(random)`: names a data set that has no name or lost a part. Adding the name to the stream wakes all processes that wait for entries, so
 * they notice the loss within milliseconds. Older entries belong to the lost data set, and no process can follow them.
 */
const NAME_IT = `${WHOLE_EPOCH}
local function name_it(random)
  if whole_epoch() then return end
  local epoch = redis.call('TIME')[1] .. '.' .. random
  redis.call('XADD', KEYS[2], 'MAXLEN', '1', '*', 'r', epoch)
  redis.call('SET', KEYS[3], epoch)
  redis.call('ZADD', KEYS[1], '+inf', epoch)
  redis.call('HSET', KEYS[4], epoch, '0')
end
`;

/**
 * Begins a full read. ARGV:
 * - random text, the process' id
 * - for how many seconds others wait until this process has written everything back (0: they do not wait)
 * - for how many seconds they wait for what it learned right before the loss
 */
export const BEGIN_FULL_READ = `${NAME_IT}
name_it(ARGV[1])
if ARGV[3] ~= '0' then
  local now = redis.call('TIME')[1]
  redis.call('ZADD', KEYS[5], now + ARGV[3], ARGV[2], now + ARGV[4], 'lately:' .. ARGV[2])
  redis.call('EXPIRE', KEYS[5], ${RESTORED_SECONDS * 10})
end
`;

/** `moment(text)`: the time of a cut-off, or -1 if the text is not a valid time, so that an invalid value never blocks a valid one. */
const MOMENT = `
local function moment(text)
  local seconds = tonumber(text)
  if seconds and seconds >= 0 and seconds <= 253402300799 then return seconds end
  return -1
end
`;

/**
 * Adds revocations. Existing ones are not added to the stream again, so several processes may write the same ones. Redis does not undo what a script
 * has written before it fails. So each record is written to the stream first: if that fails, the next attempt finds it missing, too. ARGV:
 * - random text, the stream's length, the process' id
 * - for how many seconds others wait for more lost records (0: unchanged; -1: no longer)
 * - whether they wait for what this process learned right before the loss (0: unchanged; -1: no longer)
 * - 1 to put all records into one entry of the stream
 * - four for each record: its text, its end, and the issuer and the moment of a cut-off (otherwise an empty issuer)
 */
export const ADD = `${NAME_IT}${MOMENT}
local function keep(i)
  if ARGV[i + 2] == '' then
    redis.call('ZADD', KEYS[1], 'NX', ARGV[i + 1], ARGV[i])
  elseif moment(redis.call('HGET', KEYS[4], ARGV[i + 2])) < tonumber(ARGV[i + 3]) then
    redis.call('HSET', KEYS[4], ARGV[i + 2], ARGV[i + 3])
  end
end
name_it(ARGV[1])
local wait = tonumber(ARGV[4])
if wait > 0 then redis.call('ZADD', KEYS[5], redis.call('TIME')[1] + wait, ARGV[3]) end
local records, fields = {}, {}
for i = 7, #ARGV, 4 do
  local is_new
  if ARGV[i + 2] == '' then
    is_new = not redis.call('ZSCORE', KEYS[1], ARGV[i])
  else
    is_new = moment(redis.call('HGET', KEYS[4], ARGV[i + 2])) < tonumber(ARGV[i + 3])
  end
  if is_new and ARGV[6] == '1' then
    records[#records + 1] = i
    fields[#fields + 1] = 'r'
    fields[#fields + 1] = ARGV[i]
  elseif is_new then
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'r', ARGV[i])
    keep(i)
  end
end
if #fields > 0 then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', unpack(fields))
  for _, i in ipairs(records) do keep(i) end
  redis.call('ZADD', KEYS[5], -redis.call('TIME')[1], 'trim')
end
if wait < 0 then redis.call('ZREM', KEYS[5], ARGV[3]) end
if ARGV[5] == '-1' then redis.call('ZREM', KEYS[5], 'lately:' .. ARGV[3]) end
if wait > 0 or #fields > 0 then redis.call('EXPIRE', KEYS[5], ${RESTORED_SECONDS * 10}) end
return 1
`;

/** The most bytes that 32,768 characters take in UTF-8. This package writes no longer texts, and the scripts return none. */
const MAX_TEXT_BYTES = 98_304;

/** `short(text)`: the text, or an empty text if it is too long. Processes count an empty text as invalid. */
const SHORT = `
local function short(text) return #text <= ${MAX_TEXT_BYTES} and text or '' end
`;

/** Returns a page of the records, as ZSCAN does. ARGV: cursor, about how many. */
export const SCAN_RECORDS = scan('ZSCAN', 1);

/** Returns a page of the cut-offs, as HSCAN does. ARGV: cursor, about how many. */
export const SCAN_CUTOFFS = scan('HSCAN', 4);

function scan(command: string, key: number): string {
  return `${SHORT}
local page = redis.call('${command}', KEYS[${key}], ARGV[1], 'COUNT', ARGV[2])
for i = 1, #page[2] do page[2][i] = short(page[2][i]) end
return page
`;
}

/**
 * Returns records that ended long ago by the server's clock. Removes texts that are too long to be records. ARGV: how many seconds ago at least,
 * how many records at most.
 */
export const LONG_ENDED = `
local ended = {}
for _, text in ipairs(redis.call('ZRANGE', KEYS[1], '-inf', '(' .. (redis.call('TIME')[1] - ARGV[1]), 'BYSCORE', 'LIMIT', '0', ARGV[2])) do
  if #text <= ${MAX_TEXT_BYTES} then ended[#ended + 1] = text else redis.call('ZREM', KEYS[1], text) end
end
return ended
`;

/**
 * Removes records and keeps the cut-offs that replace them. It runs even if Redis has no memory left: otherwise ended records would fill it forever. ARGV: how
 * many records, their texts, pairs of issuer and moment.
 */
export const REMOVE = `#!lua flags=allow-oom
${MOMENT}
local count = tonumber(ARGV[1])
for i = count + 2, #ARGV, 2 do
  if moment(redis.call('HGET', KEYS[4], ARGV[i])) < tonumber(ARGV[i + 1]) then redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 1]) end
end
for i = 2, count + 1 do redis.call('ZREM', KEYS[1], ARGV[i]) end
return 1
`;

/** Trims entries that contain many records from the stream, a while after the last of them was written. */
export const TRIM = `
local score = redis.call('ZSCORE', KEYS[5], 'trim')
if score and redis.call('TIME')[1] + score > ${RESTORED_SECONDS} then
  redis.call('XTRIM', KEYS[2], 'MINID', string.format('%.0f', (1 - score) * 1000))
  redis.call('ZREM', KEYS[5], 'trim')
end
`;

export function script(text: string, { records, stream, epoch, forgotten, restoring }: Keys, ...args: readonly (string | number)[]): readonly string[] {
  return ['EVAL', text, '5', records, stream, epoch, forgotten, restoring, ...args.map(String)];
}
