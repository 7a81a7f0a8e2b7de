import type { RedisConfig } from '../config/index.ts';
import type { Audit, Log } from '../log/index.ts';
import type { ObserveCommand } from './contract.ts';
import { hashedScripts } from './hashed-scripts.ts';
import { createKeys } from './keys.ts';
import { observedLinks } from './observed-links.ts';
import type { Records, StoreError } from './records.ts';
import { RedisConnection } from './redis-connection.ts';
import { isCluster, prepareLinks } from './redis-link.ts';
import { createTogether } from './together.ts';

interface Surroundings {
  audit: Audit;
  log: Log;
  observe?: ObserveCommand | undefined;
}

/**
 * Records in Redis 6.2 or later: one server, a cluster, or the primary that Sentinels watch over. Does not wait for
 * Redis: it connects in the background, and whoever asks before the first attempt has come to an end waits for that one
 * only.
 */
export async function openRedisRecords(config: RedisConfig, surroundings: Surroundings): Promise<Records> {
  const { audit, log, observe } = surroundings;
  const { order: probed } = createKeys(config.keyPrefix);
  const links = hashedScripts(await prepareLinks(config));
  const redis = new RedisConnection(observe ? observedLinks(links, observe) : links, { audit, log, probed });
  const together = createTogether({ apart: isCluster(config) });

  async function read(key: string, ...args: string[]): Promise<Buffer | undefined> {
    const [command = '', ...options] = args;
    return ((await redis.send(key, [command, key, ...options], true)) as Buffer | null) ?? undefined;
  }

  type ScriptArguments = (string | number | Buffer)[];
  const calling = (text: string, keys: readonly string[], args: ScriptArguments) => [
    ...['EVAL', text, String(keys.length), ...keys],
    ...args.map((arg) => (Buffer.isBuffer(arg) ? arg : String(arg))),
  ];
  const script = (text: string, key: string, ...args: ScriptArguments) =>
    redis.send(key, calling(text, [key], args));

  return {
    getEx: (key, seconds) => read(key, 'GETEX', 'EX', String(seconds)),
    get: (key) => read(key, 'GET'),
    async getDel(key, note) {
      const args = note
        ? calling(getDelNoting, [key, note.key], [note.value, note.seconds])
        : ['GETDEL', key];
      return ((await redis.end(key, args, true)) as Buffer | null) ?? undefined;
    },
    async msLeft(key) {
      return Math.max(0, Number(await redis.send(key, ['PTTL', key])));
    },
    async set(key, value, only, end) {
      // Redis takes whole seconds only, and the times in a token may have fractions (RFC 7519 §2).
      const until = end === 'KEEPTTL' ? [end] : ['EX', String(Math.ceil(end))];
      return (await redis.send(key, ['SET', key, value, only, ...until])) === 'OK';
    },
    async create(records) {
      const args = records.flatMap(({ value, seconds }) => [value, seconds]);
      const keys = records.map(({ key }) => key);
      return (await redis.send(records[0].key, calling(create, keys, args))) === 1;
    },
    async replaceTail(key, tail, seconds) {
      return (await script(replaceTail, key, tail, seconds)) === 1;
    },
    async replaceHead(key, head, was) {
      const result = await script(replaceHead, key, head, was);
      return result === 1 ? 'done' : result === 2 ? 'changed' : 'gone';
    },
    async del(...keys) {
      await redis.end(keys[0] as string, ['DEL', ...keys]);
    },
    async deleteIf(key, value) {
      await script(deleteIf, key, value);
    },
    async extendIf(key, value, seconds) {
      await script(extendIf, key, value, seconds);
    },
    async nextNumber(key, seconds) {
      return Number(await script(nextNumber, key, Date.now(), seconds));
    },
    async createNumbered({ key, value, seconds }, row, rowSeconds) {
      const call = calling(createNumbered, [key, row], [value, Math.ceil(seconds), rowSeconds, Date.now()]);
      const number = await redis.send(key, call);
      return number === null ? undefined : Number(number);
    },
    async raise(key, value, seconds) {
      await redis.mark(key, calling(raise, [key], [value, seconds]));
    },
    async addMember(sets, member, endsAt, numbers = []) {
      const found = new Map<string, number>();
      await together([...sets, ...numbers], async (keys) => {
        const here = sets.filter((key) => keys.includes(key));
        const beside = numbers.filter((key) => keys.includes(key));
        const call = calling(addMember, [...here, ...beside], [here.length, member, endsAt, Date.now()]);
        const values = (await redis.send(keys[0] as string, call)) as string[];
        for (const [index, key] of beside.entries()) found.set(key, Number(values[index]));
      });
      return numbers.map((key) => found.get(key) ?? 0);
    },
    async members(key) {
      return (await redis.send(key, ['ZRANGE', key, '0', '-1'])) as string[];
    },
    async removeMembers(key, members) {
      await redis.send(key, ['ZREM', key, ...members]);
    },
    async *scan(prefix) {
      const pattern = `${prefix.replace(/[\\*?[\]^]/g, '\\$&')}*`;
      for (const send of await redis.nodes()) {
        let cursor = '0';
        do {
          const reply = await send(['SCAN', cursor, 'MATCH', pattern, 'COUNT', '500']);
          const [next, keys] = reply as [string, string[]];
          yield keys;
          cursor = next;
        } while (cursor !== '0');
      }
    },
    async command(key, args) {
      try {
        if (key !== undefined) return await redis.send(key, args);
        const [first] = await redis.nodes();
        return await first?.(args);
      } catch (error) {
        // A caller of raw commands knows Redis' own answers (NOSCRIPT: load it, and ask again).
        throw (error as StoreError).cause ?? error;
      }
    },
    settle: (keys) => redis.settle(keys),
    check: () => redis.check(),
    close: () => redis.close(),
  };
}

// Where the head of a session's record ends (session-form.ts); leaves where there is no such record.
const endOfHead = `
  local record = redis.call('GET', KEYS[1])
  if not record or #record < 4 then return 0 end
  local a, b, c, d = string.byte(record, 1, 4)
  local headEnd = 4 + ((a * 256 + b) * 256 + c) * 256 + d
  if headEnd > #record then return 0 end`;

const replaceTail = `${endOfHead}
  redis.call('SET', KEYS[1], string.sub(record, 1, headEnd) .. ARGV[1], 'EX', ARGV[2])
  return 1`;

const replaceHead = `${endOfHead}
  if string.sub(record, 1, headEnd) ~= ARGV[2] then return 2 end
  redis.call('SET', KEYS[1], ARGV[1] .. string.sub(record, headEnd + 1), 'KEEPTTL')
  return 1`;
// A Redis that is full takes the note as well: a script that has freed something may write. Where it does not, the
// record is gone all the same.
const getDelNoting = `
  local value = redis.call('GETDEL', KEYS[1])
  if value then redis.pcall('SET', KEYS[2], ARGV[1], 'EX', ARGV[2]) end
  return value`;

// As above: all of them, or none.
const create = `
  if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then return 0 end
  for i = 2, #KEYS do redis.call('SET', KEYS[i], ARGV[2 * i - 1], 'EX', ARGV[2 * i]) end
  return 1`;

const deleteIf = `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`;

const extendIf = `if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('EXPIRE', KEYS[1], ARGV[2]) end`;

// Starts from the clock, so that a row which was lost goes on above the numbers that were given before.
const nextNumber = `
  local last = tonumber(redis.call('GET', KEYS[1]) or '0')
  local number = string.format('%.0f', math.max(last + 1, tonumber(ARGV[1])))
  redis.call('SET', KEYS[1], number, 'EX', ARGV[2])
  return number`;

// The record first: where Redis is full it refuses the first that is written, and then nothing has been done.
const createNumbered = `
  if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2]) then return false end
  local number = redis.call('GETEX', KEYS[2], 'EX', ARGV[3])
  if number then return number end
  redis.call('SET', KEYS[2], ARGV[4], 'EX', ARGV[3])
  return ARGV[4]`;

const raise = `
  local highest = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(ARGV[1]))
  redis.call('SET', KEYS[1], string.format('%.0f', highest), 'EX', ARGV[2])`;

// The first keys are sets, each of which ends with the last of its members; the others are numbers.
const addMember = `
  local sets = tonumber(ARGV[1])
  for i = 1, sets do
    redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', ARGV[4])
    redis.call('ZADD', KEYS[i], ARGV[3], ARGV[2])
    local last = redis.call('ZRANGE', KEYS[i], '-1', '-1', 'WITHSCORES')
    redis.call('PEXPIREAT', KEYS[i], string.format('%.0f', tonumber(last[2])))
  end
  local numbers = {}
  for i = sets + 1, #KEYS do numbers[i - sets] = redis.call('GET', KEYS[i]) or '0' end
  return numbers`;
