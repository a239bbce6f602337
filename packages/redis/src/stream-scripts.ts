import { AWAIT_SECONDS, WHOLE_EPOCH } from './data-set.js';

/** This package writes no larger entry: each holds one text, or many short ones. */
const MAX_ENTRY_BYTES = 1_048_576;
/** By how much the server's clock may be set back, as by a failover, before a process that writes back is no longer awaited. */
const CLOCK_SLACK_SECONDS = 60;
/** How much of the stream a script reads at a time. */
const MAX_READ_BYTES = 4_194_304;

/**
 * `entries_after(id, most)`: the stream's entries after an id, and 1 if there may be more although these are fewer than `most`. An entry that is
 * too large keeps only its id. Each text counts 16 bytes more, so that many empty ones count too. The size of an entry is unknown until it is
 * read, so the script reads few at a time.
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

/**
 * `is_rewound(id)`: whether the entry with this id is missing although an older one exists. Trimming removes the oldest entries first, so the server
 * has lost this one, and may have continued from an earlier state.
 */
const IS_REWOUND = `
local function first_after(id)
  local reply = redis.call('XREAD', 'COUNT', '1', 'STREAMS', KEYS[2], id)
  return reply and reply[1][2][1][1] or ''
end
-- by digits: a Lua number holds only 53 bits
local function one_less(digits)
  local head, digit, zeros = string.match(digits, '^(%d*)([1-9])(0*)$')
  local less = head .. string.format('%.0f', digit - 1) .. string.rep('9', #zeros)
  return (string.gsub(less, '^0+(%d)', '%1'))
end
local function is_rewound(id)
  local milliseconds, sequence = string.match(id, '^(%d+)-(%d+)$')
  local before
  if sequence == '0' then before = one_less(milliseconds) .. '-18446744073709551615'
  else before = milliseconds .. '-' .. one_less(sequence) end
  local found = first_after(before)
  return found ~= id and first_after('0-0') ~= found
end
`;

/** Returns the entries after an id, and 1 if the entry with this id was lost. ARGV: id, how many at most, 1 if the id is that of an entry. */
export const READ_AFTER = `${ENTRIES_AFTER}${IS_REWOUND}
local entries = entries_after(ARGV[1], tonumber(ARGV[2]))
return { entries, ARGV[3] == '1' and is_rewound(ARGV[1]) and 1 or 0 }
`;

/**
 * Returns the entries after an id and, from the same moment, all that shows whether something is missing. ARGV: id, how many entries at most, 1 if
 * the id is that of an entry.
 * Returns: epoch, the stream's last id, how many entries were ever added to it, the entries, the server's time, whether a process writes back
 * lost records (1) and among them what it learned right before the loss (2), the server's uptime, 1 if there may be more entries, 1 if the entry with
 * the id was lost, and 1 if the stream's last id is that of an entry.
 */
export const LOOK = `${WHOLE_EPOCH}${ENTRIES_AFTER}${IS_REWOUND}
local last, added = '0-0', 0
local entries, more = {}, 0
local rewound, has_last = 0, 0
if redis.call('EXISTS', KEYS[2]) == 1 then
  local info = redis.call('XINFO', 'STREAM', KEYS[2])
  added = -1
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
    if info[i] == 'entries-added' then added = info[i + 1] end
    if info[i] == 'last-entry' and info[i + 1] then has_last = info[i + 1][1] end
  end
  has_last = has_last == last and 1 or 0
  if ARGV[3] == '1' and is_rewound(ARGV[1]) then rewound = 1 end
  if ARGV[1] ~= '' then entries, more = entries_after(ARGV[1], tonumber(ARGV[2])) end
end
local now = redis.call('TIME')[1]
local written_back = 0
-- a far later score shows that the clock was set back: a process that still writes back gets a new one with its next portion
for _, who in ipairs(redis.call('ZRANGE', KEYS[5], now, now + ${AWAIT_SECONDS + CLOCK_SLACK_SECONDS}, 'BYSCORE', 'LIMIT', '0', '1000')) do
  written_back = math.max(written_back, string.sub(who, 1, 7) == 'lately:' and 2 or 1)
end
local uptime = string.match(redis.call('INFO', 'server'), 'uptime_in_seconds:(%d+)')
return { whole_epoch(), last, added, entries, now, written_back, tonumber(uptime or '0'), more, rewound, has_last }
`;
