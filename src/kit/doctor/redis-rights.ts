import { randomUUID } from 'node:crypto';
import { createKeys, type Sessions } from '../store/index.ts';
import { type Finding, failed, ok } from './finding.ts';

type Command = NonNullable<Sessions['command']>;

/** Whose rights they are, and what is done with them. */
export interface RedisUser {
  /** As REDIS_URL names it; `default` where it names none. */
  name: string;
  keyPrefix: string;
  /** With Sentinels, and in a cluster: endings wait for the replicas. */
  replicated: boolean;
  clustered?: boolean;
  /** Undefined where REDIS_URL has no number. */
  database?: string | undefined;
}

interface Trial {
  right: string;
  args(key: string, user: RedisUser): string[];
  /** Whether the app needs it there; everywhere without this. */
  needed?(user: RedisUser): boolean;
}

const always = (right: string, args: Trial['args']): Trial => ({ right, args });
const hasReplicas: Trial['needed'] = ({ replicated }) => replicated;
const isCluster: Trial['needed'] = ({ clustered = false }) => clustered;

/**
 * Each right that the app needs, with a command that tries it and changes nothing but the doctor's own key, which ends
 * by itself. Rights that hold for commands hold for scripts too. In this order each finds what the one before left.
 *
 * A test runs a whole life of sessions with a user that has these and no others, so one that is missing here is seen.
 */
const trials: readonly Trial[] = [
  always('ping', () => ['PING']),
  {
    right: 'select',
    args: (_key, { database = '0' }) => ['SELECT', database],
    needed: ({ database }) => database !== undefined,
  },
  always('set', (key) => ['SET', key, '1', 'NX', 'EX', '60']),
  always('get', (key) => ['GET', key]),
  always('getex', (key) => ['GETEX', key]),
  always('pttl', (key) => ['PTTL', key]),
  always('incr', (key) => ['INCR', key]),
  always('expire', (key) => ['EXPIRE', key, '60']),
  always('getdel', (key) => ['GETDEL', key]),
  always('eval', (key) => ['EVAL', 'return 1', '1', key]),
  always('evalsha', (key) => ['EVALSHA', '0'.repeat(40), '1', key]),
  always('script|load', () => ['SCRIPT', 'LOAD', 'return 1']),
  always('zadd', (key) => ['ZADD', key, 'XX', '1', 'nobody']),
  always('zrange', (key) => ['ZRANGE', key, '0', '-1']),
  always('zcount', (key) => ['ZCOUNT', key, '-inf', '0']),
  always('zrem', (key) => ['ZREM', key, 'nobody']),
  always('zremrangebyscore', (key) => ['ZREMRANGEBYSCORE', key, '-inf', '0']),
  always('pexpireat', (key) => ['PEXPIREAT', key, '1']),
  always('del', (key) => ['DEL', key]),
  always('scan', (key) => ['SCAN', '0', 'MATCH', key, 'COUNT', '1']),
  { right: 'role', args: () => ['ROLE'], needed: hasReplicas },
  { right: 'wait', args: () => ['WAIT', '0', '1'], needed: hasReplicas },
  { right: 'cluster|slots', args: () => ['CLUSTER', 'SLOTS'], needed: isCluster },
  { right: 'cluster|info', args: () => ['CLUSTER', 'INFO'], needed: isCluster },
  { right: 'asking', args: () => ['ASKING'], needed: isCluster },
];

const neededBy = (user: RedisUser) => trials.filter(({ needed }) => needed?.(user) ?? true);

/** The command that gives a user these rights, or all that the app needs. */
export function grant(user: RedisUser, rights?: readonly string[]): string {
  const all = rights ?? [patternOf(user), ...neededBy(user).map(({ right }) => right)];
  const words = all.map((right) => (right.startsWith('~') ? right : `+${right}`));
  return ['ACL SETUSER', user.name, ...words].join(' ');
}

const patternOf = ({ keyPrefix }: RedisUser) => `~${keyPrefix}*`;

/** May this user do all that the app does? ACL DRYRUN would tell, but is a right that an app should not have. */
export async function checkRights(command: Command, user: RedisUser): Promise<Finding> {
  const key = createKeys(user.keyPrefix).doctor(randomUUID());
  const missing = new Set<string>();
  for (const { right, args } of neededBy(user)) {
    const words = await refusal(command, key, args(key, user));
    if (words === undefined) continue;
    missing.add(/\bkeys?\b/.test(words) ? patternOf(user) : right);
  }
  if (missing.size === 0) {
    return ok('Redis rights', `the user ${user.name} has all the rights that the app needs in Redis.`);
  }
  return failed(
    'Redis rights',
    `the user ${user.name} is not allowed: ${[...missing].join(', ')}.`,
    `Run this in Redis, and save it there (ACL SAVE or CONFIG REWRITE): ${grant(user, [...missing])}`,
  );
}

/** What Redis says where the user may not. Another error (a script that it does not know) is an answer to one who may. */
async function refusal(command: Command, key: string, args: string[]): Promise<string | undefined> {
  try {
    await command(key, args);
    return undefined;
  } catch (error) {
    const { message } = error as Error;
    return isRefusal(message) ? message : undefined;
  }
}

export function isRefusal(message: string): boolean {
  return /NOPERM|no permissions/i.test(message);
}
