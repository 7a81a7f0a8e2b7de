import { script } from './hashed-scripts.ts';
import { mostDigits, mostDigitsOfRow } from './numbers.ts';

// What Redis does in one step, where that takes more than one command.

// A number of ours, as numbers.ts reads it; nothing where there is none.
const wholeNumber = `
  local function whole(text, digits)
    if text and #text <= digits and string.find(text, '^[1-9]%d*$') then return tonumber(text) end
  end`;

// Where the head of a session's record ends (session-form.ts); leaves where there is no such record.
const endOfHead = `
  local record = redis.call('GET', KEYS[1])
  if not record or #record < 4 then return 0 end
  local a, b, c, d = string.byte(record, 1, 4)
  local headEnd = 4 + ((a * 256 + b) * 256 + c) * 256 + d
  if headEnd > #record then return 0 end`;

export const replaceTail = script(`${endOfHead}
  redis.call('SET', KEYS[1], string.sub(record, 1, headEnd) .. ARGV[1], 'EX', ARGV[2])
  return 1`);

export const replaceHead = script(`${endOfHead}
  if string.sub(record, 1, headEnd) ~= ARGV[2] then return 2 end
  redis.call('SET', KEYS[1], ARGV[1] .. string.sub(record, headEnd + 1), 'KEEPTTL')
  return 1`);

// A Redis that is full takes the note as well: a script that has freed something may write. Where it does not, the
// record is gone all the same.
export const getDelNoting = script(`
  local value = redis.call('GETDEL', KEYS[1])
  if value then redis.pcall('SET', KEYS[2], ARGV[1], 'EX', ARGV[2]) end
  return value`);

// Where Redis is full it refuses the first write, and then nothing has been done.
export const create = script(`
  if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then return 0 end
  for i = 2, #KEYS do redis.call('SET', KEYS[i], ARGV[2 * i - 1], 'EX', ARGV[2 * i]) end
  return 1`);

export const deleteIf = script(
  `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`,
);

export const extendIf = script(
  `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('EXPIRE', KEYS[1], ARGV[2]) end`,
);

// As `nextOf` in numbers.ts.
export const nextNumber = script(`${wholeNumber}
  local kept = redis.call('GET', KEYS[1])
  local last = whole(kept, ${mostDigitsOfRow})
  local now = tonumber(ARGV[1])
  local number = string.format('%.0f', last and math.max(last + 1, now) or kept and 1e${mostDigits} or now)
  redis.call('SET', KEYS[1], number, 'EX', ARGV[2])
  return number`);

// The record first: where Redis is full, nothing is left half done.
export const createNumbered = script(`${wholeNumber}
  if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then return false end
  local number = redis.call('GETEX', KEYS[2], 'EX', ARGV[3])
  if whole(number, ${mostDigits}) then return number end
  redis.call('SET', KEYS[2], ARGV[4], 'EX', ARGV[3])
  return ARGV[4]`);

export const raise = script(`${wholeNumber}
  local highest = math.max(whole(redis.call('GET', KEYS[1]), ${mostDigits}) or 0, tonumber(ARGV[1]))
  redis.call('SET', KEYS[1], string.format('%.0f', highest), 'EX', ARGV[2])`);

// The first keys are sets, each of which ends with the last of its members; the others are numbers. A member whose end is
// none gets that of the new one: what it stands for can be found for as long.
export const addMember = script(`
  local sets = tonumber(ARGV[1])
  for i = 1, sets do
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', ARGV[4])
    redis.call('ZADD', KEYS[i], ARGV[3], ARGV[2])
    for _, spoilt in ipairs(redis.call('ZRANGE', KEYS[i], '1e${mostDigits}', '+inf', 'BYSCORE')) do
      redis.call('ZADD', KEYS[i], ARGV[3], spoilt)
    end
    local last = redis.call('ZRANGE', KEYS[i], '-1', '-1', 'WITHSCORES')
    redis.call('PEXPIREAT', KEYS[i], string.format('%.0f', tonumber(last[2])))
  end
  local numbers = {}
  for i = sets + 1, #KEYS do numbers[i - sets] = redis.call('GET', KEYS[i]) or '0' end
  return numbers`);
