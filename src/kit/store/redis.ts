import type { RedisConfig } from '../config/index.ts';
import type { Audit, Log } from '../log/index.ts';
import type { ObserveCommand } from './contract.ts';
import { hashedScripts } from './hashed-scripts.ts';
import { createKeys } from './keys.ts';
import { wholeNumber } from './numbers.ts';
import { observedLinks } from './observed-links.ts';
import type { Records, StoreError } from './records.ts';
import { RedisConnection } from './redis-connection.ts';
import { isCluster, prepareLinks } from './redis-link.ts';
import * as scripts from './redis-scripts.ts';
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
  const run = (text: string, key: string, ...args: ScriptArguments) =>
    redis.send(key, calling(text, [key], args));

  return {
    getEx: (key, seconds) => read(key, 'GETEX', 'EX', String(seconds)),
    get: (key) => read(key, 'GET'),
    async getDel(key, note) {
      const args = note
        ? calling(scripts.getDelNoting, [key, note.key], [note.value, note.seconds])
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
      return (await redis.send(records[0].key, calling(scripts.create, keys, args))) === 1;
    },
    async replaceTail(key, tail, seconds) {
      return (await run(scripts.replaceTail, key, tail, seconds)) === 1;
    },
    async replaceHead(key, head, was) {
      const result = await run(scripts.replaceHead, key, head, was);
      return result === 1 ? 'done' : result === 2 ? 'changed' : 'gone';
    },
    async del(...keys) {
      await redis.end(keys[0] as string, ['DEL', ...keys]);
    },
    async deleteIf(key, value) {
      await run(scripts.deleteIf, key, value);
    },
    async extendIf(key, value, seconds) {
      await run(scripts.extendIf, key, value, seconds);
    },
    async nextNumber(key, seconds) {
      return Number(await run(scripts.nextNumber, key, Date.now(), seconds));
    },
    async createNumbered({ key, value, seconds }, row, rowSeconds) {
      const call = calling(
        scripts.createNumbered,
        [key, row],
        [value, Math.ceil(seconds), rowSeconds, Date.now()],
      );
      const number = await redis.send(key, call);
      return number === null ? undefined : wholeNumber(number as string);
    },
    async raise(key, value, seconds) {
      await redis.mark(key, calling(scripts.raise, [key], [value, seconds]));
    },
    async addMember(sets, member, endsAt, numbers = []) {
      const found = new Map<string, number>();
      await together([...sets, ...numbers], async (keys) => {
        const here = sets.filter((key) => keys.includes(key));
        const beside = numbers.filter((key) => keys.includes(key));
        const call = calling(
          scripts.addMember,
          [...here, ...beside],
          [here.length, member, endsAt, Date.now()],
        );
        const values = (await redis.send(keys[0] as string, call)) as string[];
        for (const [index, key] of beside.entries()) found.set(key, wholeNumber(values[index] ?? ''));
      });
      return numbers.map((key) => found.get(key) ?? 0);
    },
    async members(key) {
      return (await redis.send(key, ['ZRANGE', key, '0', '-1'])) as string[];
    },
    async latestMembers(key, from, most) {
      const last = from + most - 1;
      return (await redis.send(key, ['ZRANGE', key, String(from), String(last), 'REV'])) as string[];
    },
    async countMembers(key) {
      return Number(await redis.send(key, ['ZCOUNT', key, `(${Date.now()}`, '+inf']));
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
