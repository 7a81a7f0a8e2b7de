import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ConfigError, loadConfig } from '../config/index.ts';
import { readRedisAddress } from '../config/redis-address.ts';

const minimal = {
  OIDC_ISSUER: 'https://login.example.com',
  OIDC_CLIENT_ID: 'app',
  OIDC_CLIENT_SECRET: 'c1ient-s3cret-value',
  SESSION_SECRET: 'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0jLaE',
};
const redisOf = (env: NodeJS.ProcessEnv) => loadConfig({ ...minimal, ...env }).redis;

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    redisOf(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

function problemOf(env: NodeJS.ProcessEnv): string {
  const problems = problemsOf(env);
  expect(problems, JSON.stringify(env)).toHaveLength(1);
  return problems[0] ?? '';
}

describe('REDIS_URL', () => {
  test.each([
    ['redis://a', 'redis', 'a', '', '', undefined],
    ['rediss://user:p%40ss@a:7000/12', 'rediss', 'a:7000', 'user', 'p@ss', '12'],
    ['redis://:word@[::1]:6379/', 'redis', '[::1]:6379', '', 'word', undefined],
    ['unix:///run/redis.sock', 'unix', '/run/redis.sock', '', '', undefined],
    ['unix://app:p%40%2Fss@/run/redis.sock?db=3', 'unix', '/run/redis.sock', 'app', 'p@/ss', '3'],
    ['unix://:word@/run/my%20redis.sock', 'unix', '/run/my redis.sock', '', 'word', undefined],
  ])('takes %s', (url, scheme, where, username, password, database) => {
    expect(readRedisAddress(url)).toEqual({ scheme, where, username, password, database });
    expect(redisOf({ REDIS_URL: url }).urls).toEqual([url]);
  });

  test.each([
    ['unix:', 'must be unix:///path/redis.sock'],
    ['unix://', 'must have the path of the socket'],
    ['unix:///', 'must have the path of the socket'],
    ['unix://user:canary@', 'must have the path of the socket'],
    ['unix://run/redis.sock', 'with three slashes'],
    ['unix://localhost', 'with three slashes'],
    ['unix://user:canary@localhost/run/redis.sock', 'with three slashes'],
    ['unix:/run/redis.sock', 'must be unix:///path/redis.sock'],
    ['unix:redis.sock', 'must be unix:///path/redis.sock'],
    ['UNIX:///run/redis.sock', 'must be unix:///path/redis.sock'],
    ['/run/redis.sock', 'or unix:///path/redis.sock'],
    ['unix:///run/redis/', 'not its folder'],
    ['unix:///run/redis.sock?db=one', 'must have a number as its database'],
    ['unix:///run/redis.sock?db=', 'must have a number as its database'],
    ['unix:///run/redis.sock?database=1', '?db=1 after it'],
    ['unix:///run/redis.sock?db=1&db=2', '?db=1 after it'],
    ['unix:///run/redis.sock#1', '?db=1 after it'],
    ['unix:///run/%zz.sock', 'must be unix:///path/redis.sock'],
    [`unix:///${'d'.repeat(110)}/redis.sock`, 'is too long for a socket: at most 103 bytes'],
    ['unix:///a.sock,unix:///b.sock', 'must not mix a socket with other addresses'],
    ['unix:///a.sock,redis://b', 'must not mix a socket with other addresses'],
    ['unix:///a.sock,', 'must be redis://host:6379'],
    ['redis://:canary%zz@a', 'write characters such as , @ / % as %2C'],
    ['redis://:canary,2@a', 'write characters such as , @ / % as %2C'],
    ['redis://a?db=1', 'must be redis://host:6379'],
    ['redis://a/12345', 'Only a database number'],
  ])('refuses %s with a sentence', (url, says) => {
    const problem = problemOf({ REDIS_URL: url });
    expect(problem).toContain(says);
    expect(problem).toMatch(/^REDIS_URL (must|has) /);
    expect(problem).not.toContain('canary');
  });

  test('has no database number where it is a cluster, and may have one with Sentinels', () => {
    const REDIS_URL = 'redis://a/1,redis://b/1';
    expect(problemOf({ REDIS_URL })).toMatch(/no database number .* set REDIS_SENTINEL_NAME\.$/);
    expect(redisOf({ REDIS_URL, REDIS_SENTINEL_NAME: 'mymaster' }).urls).toHaveLength(2);
    expect(redisOf({ REDIS_URL: 'redis://a/0,redis://b' }).urls).toHaveLength(2);
  });
});

describe('the settings of Sentinels', () => {
  const REDIS_URL = 'redis://app:word@one:26379/2,redis://app:word@two:26379/2';
  const named = { REDIS_URL, REDIS_SENTINEL_NAME: 'mymaster' };

  test('arrive, the password from a file too', () => {
    const folder = mkdtempSync(join(tmpdir(), 'config-redis-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'password'), 'a word of theirs\n');
    const sentinel = {
      REDIS_SENTINEL_USERNAME: 'watch',
      REDIS_SENTINEL_PASSWORD_FILE: join(folder, 'password'),
    };
    expect(redisOf({ ...named, ...sentinel }).sentinel).toEqual({
      ...{ name: 'mymaster', username: 'watch', password: 'a word of theirs' },
    });
    for (const url of [
      'redis://one:26379',
      'redis://:word@one:26379,redis://two:26379,redis://:word@three:26379',
    ])
      expect(redisOf({ REDIS_URL: url, REDIS_SENTINEL_NAME: 'mymaster' }).sentinel).toBeDefined();
  });

  test.each([
    [
      { REDIS_URL, REDIS_SENTINEL_NAME: '', REDIS_SENTINEL_PASSWORD: 'canary' },
      2,
      'REDIS_SENTINEL_PASSWORD has no effect without REDIS_SENTINEL_NAME',
    ],
    [
      { REDIS_SENTINEL_USERNAME: 'watch' },
      1,
      'REDIS_SENTINEL_USERNAME has no effect without REDIS_SENTINEL_NAME',
    ],
    [
      { ...named, REDIS_SENTINEL_USERNAME: 'watch' },
      1,
      'REDIS_SENTINEL_USERNAME needs REDIS_SENTINEL_PASSWORD',
    ],
    [
      { REDIS_SENTINEL_NAME: 'mymaster' },
      1,
      'REDIS_SENTINEL_NAME needs the addresses of the Sentinels in REDIS_URL',
    ],
    [
      { ...named, REDIS_URL: '', BASE_URL: 'https://app.example.com' },
      1,
      'REDIS_SENTINEL_NAME needs the addresses',
    ],
    [
      { ...named, REDIS_URL: 'unix:///run/redis.sock' },
      1,
      'REDIS_SENTINEL_NAME does not work with a unix:// address',
    ],
    [{ ...named, REDIS_URL: 'redis://a,rediss://b' }, 1, 'REDIS_URL must not mix'],
    [{ ...named, REDIS_URL: 'nonsense' }, 1, 'REDIS_URL must be'],
    [
      { ...named, REDIS_URL: 'redis://app:canary@a,redis://other:canary@b' },
      1,
      'REDIS_URL must have the same user wherever',
    ],
    [
      { ...named, REDIS_URL: 'redis://app:canary@a,redis://app:canary2@b' },
      1,
      'REDIS_URL must have the same password wherever',
    ],
    [
      { ...named, REDIS_URL: 'redis://app:canary@a,redis://b,redis://:canary@c' },
      1,
      'REDIS_URL must have the same user wherever',
    ],
    [
      { ...named, REDIS_URL: 'redis://a/1,redis://b/2' },
      1,
      'REDIS_URL must have the same database number wherever',
    ],
    [{ ...named, REDIS_SENTINEL_NAME: 'my master' }, 1, 'REDIS_SENTINEL_NAME must be the name of a primary'],
    [
      { REDIS_SENTINEL_NAME: 'my master', REDIS_SENTINEL_PASSWORD: 'canary' },
      1,
      'REDIS_SENTINEL_NAME must be the name of a primary',
    ],
  ])('that cannot work together are refused: %o', (env, count, says) => {
    const problems = problemsOf(env);
    expect(problems).toHaveLength(count);
    expect(problems.join('\n')).toContain(says);
    expect(problems.join('\n')).not.toContain('canary');
  });
});

describe('REDIS_KEY_PREFIX', () => {
  test('is app: where nothing is set', () => {
    expect(redisOf({}).keyPrefix).toBe('app:');
    expect(redisOf({ REDIS_KEY_PREFIX: '' }).keyPrefix).toBe('app:');
  });

  test.each(['app:two:', 'a:', '0:', 'A-b_c.d:9:', 'app::', `${'p'.repeat(99)}:`])('may be %s', (prefix) => {
    expect(redisOf({ REDIS_KEY_PREFIX: prefix }).keyPrefix).toBe(prefix);
  });

  test.each([
    [':', 'a letter or digit in it'],
    ['::', 'a letter or digit in it'],
    ['-_.:', 'a letter or digit in it'],
    ['app', 'a colon at its end'],
    ['app:two', 'a colon at its end'],
    ['app*:', 'letters, digits and - _ . : only'],
    ['app?:', 'letters, digits and - _ . : only'],
    ['[app]:', 'letters, digits and - _ . : only'],
    ['{app}:', 'letters, digits and - _ . : only'],
    ['app\\:', 'letters, digits and - _ . : only'],
    ['my app:', 'letters, digits and - _ . : only'],
    ['äpp:', 'letters, digits and - _ . : only'],
    ['app/two:', 'letters, digits and - _ . : only'],
    [`${'p'.repeat(100)}:`, 'at most 100 characters'],
  ])('may not be %s', (prefix, says) => {
    expect(problemOf({ REDIS_KEY_PREFIX: prefix })).toContain(says);
  });
});
