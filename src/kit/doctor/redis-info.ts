import type { Sessions } from '../store/index.ts';
import { type Finding, ok, said, warning } from './finding.ts';

type Command = NonNullable<Sessions['command']>;

/** What Redis says of itself: whether it keeps what it is given, for how long, and where else. */
export async function checkServer(command: Command): Promise<Finding[]> {
  return [await checkEviction(command), await checkPersistence(command), ...(await checkReplicas(command))];
}

/** An evicted session is a user signed out for no reason. All of our records end, so volatile-* means them too. */
async function checkEviction(command: Command): Promise<Finding> {
  const check = 'Redis eviction';
  const info = await infoOf(command, 'memory');
  const policy = info?.get('maxmemory_policy');
  if (!policy)
    return warning(
      check,
      'could not be checked: Redis does not let this user ask.',
      'Check that maxmemory-policy is noeviction, or allow this user +info and run this again.',
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
      'could not be checked: Redis does not let this user ask.',
      info
        ? 'Check that appendonly or snapshots are on: without them a restart of Redis signs everybody out.'
        : 'Check that appendonly or snapshots are on, or allow this user +info and run this again: without them a restart of Redis signs everybody out.',
    );
  if (points === '')
    return warning(
      check,
      'is off: a restart of Redis signs everybody out.',
      'Set appendonly to yes, if that matters.',
    );
  return ok(check, 'snapshots are on; a crash loses the sign-ins since the last one.');
}

/** A replica that takes over knows only what it was sent. */
async function checkReplicas(command: Command): Promise<Finding[]> {
  const info = await infoOf(command, 'replication');
  const count = Number(info?.get('connected_slaves') ?? 0);
  if (count === 0) return [];
  const check = 'Redis replicas';
  const words = count === 1 ? 'there is 1' : `there are ${count}`;
  // Redis says this only where min-replicas-to-write is set.
  if (info?.has('min_slaves_good_slaves')) return [ok(check, `${words}, and min-replicas-to-write is set.`)];
  return [
    warning(
      check,
      `${words}, and min-replicas-to-write is not set: a primary that is cut off from them continues to accept sign-ins and sign-outs, which are lost when a replica takes its place.`,
      'Set min-replicas-to-write to 1, where a primary without replicas may refuse to write.',
    ),
  ];
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
