import type { Reading } from './read.ts';
import { type RedisAddress, readRedisAddress } from './redis-address.ts';
import type { Values } from './settings.ts';
import { isLoopback } from './values.ts';
import { workersOf } from './workers.ts';

/** What is wrong with the settings of Redis together, each a sentence. */
export function* redisConflicts(
  values: Values,
  invalid: Reading['invalid'],
  development: boolean,
): Generator<string> {
  const { BASE_URL, REDIS_URL, REDIS_SENTINEL_NAME: name } = values;
  if (!invalid.has('REDIS_SENTINEL_NAME')) yield* ofSentinelsOnly(values);
  if (invalid.has('REDIS_URL')) return;
  const addresses = (REDIS_URL ?? []).flatMap((url) => readRedisAddress(url) ?? []);
  if (name !== undefined) yield* sentinels(addresses);
  else if (!REDIS_URL && BASE_URL && !isLoopback(new URL(BASE_URL).hostname)) {
    yield "REDIS_URL is missing. Sessions are kept in memory only while BASE_URL is on loopback: a restart would sign everybody out, and two instances would not know each other's sessions.";
  } else if (!REDIS_URL && BASE_URL && !development && workersOf(values) > 1) {
    // In development one process runs, whatever WORKERS says.
    const count = values.WORKERS === 'auto' ? `auto (${workersOf(values)} here)` : values.WORKERS;
    yield `WORKERS=${count} needs REDIS_URL: sessions in memory are known to one process only. Set REDIS_URL, or WORKERS=1.`;
  } else if (!invalid.has('REDIS_SENTINEL_NAME') && isCluster(addresses)) {
    yield 'REDIS_URL must have no database number where it has several addresses: a cluster has only database 0. If they are Sentinels, set REDIS_SENTINEL_NAME.';
  }
}

function isCluster(addresses: readonly RedisAddress[]): boolean {
  return addresses.length > 1 && addresses.some(({ database }) => Number(database ?? 0) !== 0);
}

function* ofSentinelsOnly({
  REDIS_SENTINEL_NAME: name,
  REDIS_SENTINEL_USERNAME: username,
  REDIS_SENTINEL_PASSWORD: password,
}: Values) {
  if (name === undefined) {
    for (const [setting, value] of Object.entries({
      REDIS_SENTINEL_USERNAME: username,
      REDIS_SENTINEL_PASSWORD: password,
    })) {
      if (value !== undefined) {
        yield `${setting} has no effect without REDIS_SENTINEL_NAME: set that too, or remove it. The user and password of Redis itself are in REDIS_URL.`;
      }
    }
  } else if (username !== undefined && password === undefined) {
    yield 'REDIS_SENTINEL_USERNAME needs REDIS_SENTINEL_PASSWORD: set that too, or remove it.';
  }
}

function* sentinels(addresses: readonly RedisAddress[]) {
  const [first] = addresses;
  if (!first) {
    yield 'REDIS_SENTINEL_NAME needs the addresses of the Sentinels in REDIS_URL, such as redis://sentinel-1:26379,redis://sentinel-2:26379.';
    return;
  }
  if (first.scheme === 'unix') {
    yield 'REDIS_SENTINEL_NAME does not work with a unix:// address in REDIS_URL: name the hosts of the Sentinels there.';
    return;
  }
  const [one, ...others] = addresses.filter((each) => each.username || each.password || each.database);
  const parts = { user: 'username', password: 'password', 'database number': 'database' } as const;
  for (const [words, part] of Object.entries(parts)) {
    if (others.every((other) => (other[part] ?? '0') === (one?.[part] ?? '0'))) continue;
    yield `REDIS_URL must have the same ${words} wherever an address has any, as REDIS_SENTINEL_NAME is set: it is that of the one Redis behind the Sentinels.`;
  }
}
