import { randomUUID } from 'node:crypto';
import { createKeys, type Sessions } from '../store/index.ts';
import { type Finding, failed, ok } from './finding.ts';

type Command = NonNullable<Sessions['command']>;

/** Whose rights they are, and which keys are meant. */
export interface RedisUser {
  /** As REDIS_URL names it; `default` where it names none. */
  name: string;
  keyPrefix: string;
  /** With Sentinels, and in a cluster: endings wait for the replicas. */
  replicated: boolean;
}

/**
 * Each right that the app needs, with a command that tries it and changes nothing but the doctor's own key, which ends
 * by itself. Rights that hold for commands hold for scripts too. In this order each finds what the one before left.
 *
 * A test runs a whole life of sessions with a user that has these and no others, so one that is missing here is seen.
 */
const trials: readonly (readonly [right: string, args: (key: string) => string[]])[] = [
  ['ping', () => ['PING']],
  ['set', (key) => ['SET', key, '1', 'NX', 'EX', '60']],
  ['get', (key) => ['GET', key]],
  ['getex', (key) => ['GETEX', key]],
  ['pttl', (key) => ['PTTL', key]],
  ['incr', (key) => ['INCR', key]],
  ['expire', (key) => ['EXPIRE', key, '60']],
  ['getdel', (key) => ['GETDEL', key]],
  ['eval', (key) => ['EVAL', 'return 1', '1', key]],
  ['evalsha', (key) => ['EVALSHA', '0'.repeat(40), '1', key]],
  ['script|load', () => ['SCRIPT', 'LOAD', 'return 1']],
  ['zadd', (key) => ['ZADD', key, 'XX', '1', 'nobody']],
  ['zrange', (key) => ['ZRANGE', key, '0', '-1']],
  ['zrem', (key) => ['ZREM', key, 'nobody']],
  ['zremrangebyscore', (key) => ['ZREMRANGEBYSCORE', key, '-inf', '0']],
  ['pexpireat', (key) => ['PEXPIREAT', key, '1']],
  ['del', (key) => ['DEL', key]],
  ['scan', (key) => ['SCAN', '0', 'MATCH', key, 'COUNT', '1']],
];

const trialsWhereReplicated: typeof trials = [
  ['role', () => ['ROLE']],
  ['wait', () => ['WAIT', '0', '1']],
];

const trialsOf = ({ replicated }: RedisUser) => [...trials, ...(replicated ? trialsWhereReplicated : [])];

/** The command that gives a user these rights, or all that there are. */
export function grant(user: RedisUser, rights?: readonly string[]): string {
  const { name, keyPrefix } = user;
  const all = rights ?? trialsOf(user).map(([right]) => right);
  const keys = rights ? [] : [`~${keyPrefix}*`];
  return [
    'ACL SETUSER',
    name,
    ...keys,
    ...all.map((right) => (right.startsWith('~') ? right : `+${right}`)),
  ].join(' ');
}

/** May this user do all that the app does? ACL DRYRUN would tell, but is a right that an app should not have. */
export async function checkRights(command: Command, user: RedisUser): Promise<Finding> {
  const key = createKeys(user.keyPrefix).doctor(randomUUID());
  const missing = new Set<string>();
  for (const [right, args] of trialsOf(user)) {
    const words = await refusal(command, key, args(key));
    if (words === undefined) continue;
    missing.add(/\bkeys?\b/.test(words) ? `~${user.keyPrefix}*` : right);
  }
  if (missing.size === 0) {
    return ok('Redis rights', `the user ${user.name} may do all that the app does in Redis.`);
  }
  return failed(
    'Redis rights',
    `the user ${user.name} is not allowed: ${[...missing].join(', ')}.`,
    `Run this in Redis, and put it into its ACL file: ${grant(user, [...missing])}`,
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
