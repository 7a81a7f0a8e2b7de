import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { type Config, readRedisAddress } from '../config/index.ts';
import { createKeys, openSessions, type Sessions, StoreError } from '../store/index.ts';
import { type Finding, failed, ok, said } from './finding.ts';
import { checkServer } from './redis-info.ts';
import { checkRights, grant, isRefusal, type RedisUser } from './redis-rights.ts';

type Command = NonNullable<Sessions['command']>;

/** Is Redis there, does it let us do what we do, does it keep what it is given, and for how long? */
export async function checkRedis({ redis, session }: Config): Promise<Finding[]> {
  if (redis.urls.length === 0)
    return [ok('Redis', 'is not used: sessions are kept in memory, and end with the process.')];
  const sessions = await openSessions({
    redis,
    secrets: session.secrets,
    idleSeconds: session.idleMinutes * 60,
    maxSeconds: session.maxHours * 3600,
    log: pino({ level: 'silent' }),
    audit: () => {},
  });
  const user = userOf(redis);
  try {
    const reached = await checkReached(sessions, redis, user);
    if (reached.state === 'failed') return [reached];
    const command = sessions.command as Command;
    return [
      reached,
      await checkWrite(command, user),
      await checkRights(command, user),
      ...(await checkServer(command)),
    ];
  } finally {
    await sessions.close();
  }
}

/** User and database are those of the first address that has any. */
function userOf({ urls, sentinel, keyPrefix }: Config['redis']): RedisUser {
  const addresses = urls.flatMap((url) => readRedisAddress(url) ?? []);
  const { username, database } = addresses.find((one) => one.password || one.database) ?? addresses[0] ?? {};
  const clustered = !sentinel && urls.length > 1;
  return {
    ...{ name: username || 'default', keyPrefix, database },
    ...{ clustered, replicated: clustered || sentinel !== undefined },
  };
}

async function checkReached(sessions: Sessions, redis: Config['redis'], user: RedisUser): Promise<Finding> {
  const where = placeOf(redis);
  try {
    await sessions.check();
    const primary = redis.sentinel && (await addressOf(sessions.command as Command));
    const found = primary === undefined ? '' : ` at ${primary}`;
    return ok('Redis', `${where} answers${found}. The app's keys there begin with "${redis.keyPrefix}".`);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const { hint = hintOf(error.message, user) } = (error.cause ?? {}) as { hint?: string };
    return failed('Redis', `${where} cannot be used: ${said(error.message)}.`, hint);
  }
}

/** Never with user or password. */
function placeOf({ urls, sentinel }: Config['redis']): string {
  const places = urls.map((url) => readRedisAddress(url)?.where).join(', ');
  return sentinel ? `${sentinel.name}, the primary that the Sentinels ${places} know,` : places;
}

/** Where the primary is that the Sentinels have named, as it says itself; undefined where it does not let us ask. */
async function addressOf(command: Command): Promise<string | undefined> {
  const info = await command(undefined, ['CLIENT', 'INFO']).catch(() => '');
  return /(?:^| )laddr=([\w.:[\]-]+)/.exec(String(info))?.[1];
}

function hintOf(message: string, user: RedisUser): string {
  if (isRefusal(message)) return `Allow this user what the app needs: ${grant(user)}`;
  if (/NOAUTH|WRONGPASS|AUTH/.test(message)) {
    return user.replicated && !user.clustered
      ? "Put Redis' own user and password into REDIS_URL, those of the Sentinels into REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD."
      : 'Put the right user and password into REDIS_URL.';
  }
  if (/ENOENT/.test(message)) return 'Check the path in REDIS_URL, and that Redis runs with unixsocket.';
  if (/EACCES|EPERM/.test(message))
    return "Let the app's user write to the socket: unixsocketperm 770, and a group.";
  if (/ECONNREFUSED|ENOTFOUND/.test(message)) return 'Check host and port in REDIS_URL, and that Redis runs.';
  if (/DB index/i.test(message)) return 'Redis has no such database: remove the number from REDIS_URL.';
  if (/NOREPLICAS/.test(message))
    return 'Fewer replicas are connected than min-replicas-to-write asks for: look at them, or lower it.';
  if (/unknown command/i.test(message)) return 'Use Redis 6.2 or later, or Valkey.';
  if (/READONLY/.test(message)) return 'REDIS_URL names a replica: name the primary.';
  if (/cert|SSL|TLS|wrong version/i.test(message))
    return 'Compare redis:// and rediss:// with what Redis speaks; name your own CA with EXTRA_CA_FILE.';
  return 'Check REDIS_URL, and whether it needs rediss:// for TLS.';
}

async function checkWrite(command: Command, user: RedisUser): Promise<Finding> {
  const key = createKeys(user.keyPrefix).doctor(randomUUID());
  try {
    await command(key, ['SET', key, 'written', 'EX', '60']);
    const read = String(await command(key, ['GET', key]));
    await command(key, ['DEL', key]);
    if (read !== 'written')
      return failed(
        'Redis write',
        `came back as ${said(read)}.`,
        'Name the primary in REDIS_URL, not a replica.',
      );
    return ok('Redis write', 'a record was written, read and deleted.');
  } catch (error) {
    const { message } = error as Error;
    const hint = /OOM/.test(message) ? 'Redis is full: give it more memory.' : hintOf(message, user);
    return failed('Redis write', `is refused: ${said(message)}.`, hint);
  }
}
