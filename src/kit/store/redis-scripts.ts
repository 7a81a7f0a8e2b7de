import { script } from './hashed-scripts.ts';

// What Redis does in one step, where that takes more than one command.

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

// Starts from the clock, so that a row which was lost goes on above the numbers that were given before.
export const nextNumber = script(`
  local last = tonumber(redis.call('GET', KEYS[1]) or '0')
  local number = string.format('%.0f', math.max(last + 1, tonumber(ARGV[1])))
  redis.call('SET', KEYS[1], number, 'EX', ARGV[2])
  return number`);

// The record first: where Redis is full, nothing is left half done.
export const createNumbered = script(`
  if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then return false end
  local number = redis.call('GETEX', KEYS[2], 'EX', ARGV[3])
  if number then return number end
  redis.call('SET', KEYS[2], ARGV[4], 'EX', ARGV[3])
  return ARGV[4]`);

export const raise = script(`
  local highest = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(ARGV[1]))
  redis.call('SET', KEYS[1], string.format('%.0f', highest), 'EX', ARGV[2])`);

// The first keys are sets, each of which ends with the last of its members; the others are numbers.
export const addMember = script(`
  local sets = tonumber(ARGV[1])
  for i = 1, sets do
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', ARGV[4])
    redis.call('ZADD', KEYS[i], ARGV[3], ARGV[2])
    local last = redis.call('ZRANGE', KEYS[i], '-1', '-1', 'WITHSCORES')
    redis.call('PEXPIREAT', KEYS[i], string.format('%.0f', tonumber(last[2])))
  end
  local numbers = {}
  for i = sets + 1, #KEYS do numbers[i - sets] = redis.call('GET', KEYS[i]) or '0' end
  return numbers`);
