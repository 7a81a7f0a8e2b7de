import { randomUUID } from 'node:crypto';
import pino from 'pino';
import type { Config } from '../config/index.ts';
import { openSessions, type Sessions, StoreError } from '../store/index.ts';
import { type Finding, failed, ok, said, warning } from './finding.ts';

/** Is Redis there, does it keep what it is given, and for how long? */
export async function checkRedis({ redis, session }: Config): Promise<Finding[]> {
  if (redis.urls.length === 0)
    return [ok('Redis', 'is not used: sessions live in memory, and end with the process.')];
  const sessions = await openSessions({
    redis,
    secrets: session.secrets,
    idleSeconds: session.idleMinutes * 60,
    maxSeconds: session.maxHours * 3600,
    log: pino({ level: 'silent' }),
    audit: () => {},
  });
  try {
    const where = redis.urls.map((url) => new URL(url).host).join(', ');
    const reached = await checkReached(sessions, where);
    if (reached.state === 'failed') return [reached];
    const command = sessions.command as Command;
    return [
      reached,
      await checkWrite(command),
      await checkEviction(command),
      await checkPersistence(command),
    ];
  } finally {
    await sessions.close();
  }
}

type Command = NonNullable<Sessions['command']>;

async function checkReached(sessions: Sessions, where: string): Promise<Finding> {
  try {
    await sessions.check();
    return ok('Redis', `${where} answers.`);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return failed('Redis', `${where} cannot be used: ${said(error.message)}.`, hintOf(error.message));
  }
}

function hintOf(message: string): string {
  if (/NOAUTH|WRONGPASS|AUTH/.test(message)) return 'Put the right user and password into REDIS_URL.';
  if (/ECONNREFUSED|ENOTFOUND/.test(message)) return 'Check host and port in REDIS_URL, and that Redis runs.';
  if (/unknown command/i.test(message)) return 'Use Redis 6.2 or later, or Valkey.';
  if (/NOPERM|no permissions/i.test(message))
    return 'Allow this user the commands and the keys app:* and limit:*.';
  if (/READONLY/.test(message)) return 'REDIS_URL names a replica: name the primary.';
  if (/cert|SSL|TLS|wrong version/i.test(message))
    return 'Compare redis:// and rediss:// with what Redis speaks; name your own CA with EXTRA_CA_FILE.';
  return 'Check REDIS_URL, and whether it needs rediss:// for TLS.';
}

async function checkWrite(command: Command): Promise<Finding> {
  const key = `app:doctor:{${randomUUID()}}`;
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
    const hint = /OOM/.test(message) ? 'Redis is full: give it more memory.' : hintOf(message);
    return failed('Redis write', `is refused: ${said(message)}.`, hint);
  }
}

/** An evicted session is a user signed out for no reason. All of our records end, so volatile-* means them too. */
async function checkEviction(command: Command): Promise<Finding> {
  const check = 'Redis eviction';
  const info = await infoOf(command, 'memory');
  const policy = info?.get('maxmemory_policy');
  if (!policy)
    return warning(
      check,
      'cannot be told: Redis does not let us ask.',
      'Check that maxmemory-policy is noeviction.',
    );
  if (policy === 'noeviction') return ok(check, 'maxmemory-policy is noeviction.');
  return warning(
    check,
    `maxmemory-policy is ${said(policy)}: when memory runs out, sessions vanish and users are signed out.`,
    'Set maxmemory-policy to noeviction, and watch the memory.',
  );
}

async function checkPersistence(command: Command): Promise<Finding> {
  const check = 'Redis persistence';
  const info = await infoOf(command, 'persistence');
  if (info?.get('aof_enabled') === '1') return ok(check, 'appendonly is on.');
  const save = await command(undefined, ['CONFIG', 'GET', 'save']).catch(() => undefined);
  const points = Array.isArray(save) ? save[1] : (save as { save?: unknown } | undefined)?.save;
  if (info?.get('rdb_last_bgsave_status') === 'err')
    return warning(check, 'the last snapshot failed.', "Look at Redis' log: its disk may be full.");
  if (points === undefined)
    return warning(
      check,
      'cannot be told: Redis does not let us ask.',
      'A restart of Redis without it signs everybody out.',
    );
  if (points === '')
    return warning(
      check,
      'is off: a restart of Redis signs everybody out.',
      'Set appendonly to yes, if that matters.',
    );
  return ok(check, 'snapshots are on; a crash loses the sign-ins since the last one.');
}

/** Undefined where a hosted Redis forbids the question. */
async function infoOf(command: Command, section: string): Promise<Map<string, string> | undefined> {
  try {
    const lines = String(await command(undefined, ['INFO', section])).split('\r\n');
    return new Map(lines.map((line) => line.split(/:(.*)/s, 2) as [string, string]));
  } catch {
    return undefined;
  }
}
