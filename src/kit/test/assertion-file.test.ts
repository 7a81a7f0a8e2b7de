import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { loadConfig } from '../config/index.ts';
import type { AuthError } from '../errors/auth-error.ts';
import { createLog } from '../log/index.ts';
import { readPlatformToken } from '../provider/assertion-file.ts';
import { createProviders } from '../provider/providers.ts';
import { makeTokenVolume, platformToken, type TokenVolume } from './helpers/platform-tokens.ts';

// What OIDC_CLIENT_ASSERTION_FILE may lead to. What comes of it in the app is in workload-identity.test.ts.

const lost = (path: string) => rmSync(path, { recursive: true });
const long = `${platformToken({ pad: 'x'.repeat(17_000) })}`;
const faults: [what: string, spoil: (volume: TokenVolume) => void, hint: RegExp][] = [
  ['is not there', ({ clear }) => clear(), /token is not there: have the platform put its token there/],
  ['is empty', ({ put }) => put(''), /is empty/],
  ['holds a line break alone', ({ put }) => put('\n \n'), /is empty/],
  ['is too large', ({ put }) => put(long), /is larger than 16 KiB/],
  ['has two lines', ({ put }) => put(`${platformToken()}\n${platformToken()}`), /more than one line/],
  ['contains no JWT', ({ put }) => put('{"token":"abc"}'), /contains no JWT/],
  ['holds three parts of nothing', ({ put }) => put('aaaa.bbbb.cccc'), /contains no JWT/],
  ['holds an encrypted token', ({ put }) => put('eyJhbGciOiJkaXIifQ.a.b.c.d'), /contains no JWT/],
  ['holds an unsigned token', ({ put }) => put(platformToken().replace(/[^.]*$/, '')), /contains no JWT/],
  ['holds letters that no JWT has', ({ put }) => put(`${platformToken()}é`), /contains no JWT/],
  [
    'holds an expired token',
    ({ put }) => put(expired(40)),
    /expired 4\d s ago: check that the platform renews/,
  ],
  ['holds one that expired long ago', ({ put }) => put(expired(7_000)), /expired 117 min ago/],
  [
    'is a folder',
    ({ path }) => {
      lost(path);
      mkdirSync(path);
    },
    /is a folder: name the file in it/,
  ],
  [
    'is a FIFO that nobody writes to',
    ({ path }) => {
      lost(path);
      execFileSync('mkfifo', [path]);
    },
    /is no regular file/,
  ],
  [
    'is a device without end',
    ({ path }) => {
      lost(path);
      symlinkSync('/dev/zero', path);
    },
    /is no regular file/,
  ],
  [
    'links to itself',
    ({ path }) => {
      lost(path);
      symlinkSync(path, path);
    },
    /cannot be read \(ELOOP\)/,
  ],
];
test.each(faults)('a file that %s is no token', async (_, spoil, hint) => {
  const volume = makeTokenVolume(platformToken());
  try {
    spoil(volume);
    const failure = await readPlatformToken(volume.path, 30).catch((error: AuthError) => error);
    expect(failure).toMatchObject({
      reason: 'client_refused',
      status: 503,
      hint: expect.stringMatching(`^OIDC_CLIENT_ASSERTION_FILE: .*${volume.path}`),
    });
    expect((failure as AuthError).hint).toMatch(hint);
  } finally {
    volume.remove();
  }
});

test('a good one is read without the blanks around it, its claims too', async () => {
  const token = platformToken({ sub: 'my-app' });
  const volume = makeTokenVolume(`\ufeff ${token}\r\n`);
  try {
    expect(await readPlatformToken(volume.path, 30)).toMatchObject({ jwt: token, claims: { sub: 'my-app' } });
  } finally {
    volume.remove();
  }
});

test.skipIf(!existsSync('/proc/self/fd'))('many reads at once leave no file open', async () => {
  const volume = makeTokenVolume(platformToken());
  const open = () => readdirSync('/proc/self/fd').length;
  try {
    const before = open();
    await Promise.all(Array.from({ length: 200 }, () => readPlatformToken(volume.path, 30)));
    volume.put('x'.repeat(20_000));
    await Promise.allSettled(Array.from({ length: 200 }, () => readPlatformToken(volume.path, 30)));
    expect(open() - before).toBeLessThan(20);
  } finally {
    volume.remove();
  }
});

test('the settings only name it: it may come later', () => {
  const [{ clientAuth, clientAssertionFile }] = loadConfig({
    OIDC_ISSUER: 'https://login.example.com',
    OIDC_CLIENT_ID: 'app',
    OIDC_CLIENT_AUTH: 'workload_identity',
    OIDC_CLIENT_ASSERTION_FILE: '/nowhere/token',
    SESSION_SECRET: 'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0jLaE',
  }).providers;
  expect([clientAuth, clientAssertionFile]).toEqual(['workload_identity', '/nowhere/token']);
});

const loadTwo = (work: string, google: string) =>
  loadConfig({
    OIDC_PROVIDERS: 'work,google',
    OIDC_WORK_ISSUER: 'https://login.example.com',
    OIDC_WORK_CLIENT_ID: 'app',
    OIDC_WORK_CLIENT_ASSERTION_FILE: work,
    OIDC_GOOGLE_ISSUER: 'https://login.example.org',
    OIDC_GOOGLE_CLIENT_ID: 'app',
    OIDC_GOOGLE_CLIENT_ASSERTION_FILE: google,
    OIDC_CLIENT_AUTH: 'workload_identity',
    SESSION_SECRET: 'uP4zR8vQ1xK7mT2sW9yB5nC3dF6gH0jLaE',
  });

test('of several providers, the log names the setting of the one whose file is not there', async () => {
  const volume = makeTokenVolume(platformToken());
  const hints: unknown[] = [];
  const log = createLog('warn', { write: (line) => void hints.push(JSON.parse(line).hint) });
  const { providers: settings, baseUrl } = loadTwo('/nowhere/token', volume.path);
  const providers = createProviders(settings, { baseUrl, log, audit: () => {} });
  try {
    await vi.waitFor(() => expect(hints).toHaveLength(1), { timeout: 10_000 });
    expect(hints[0]).toMatch(/^OIDC_WORK_CLIENT_ASSERTION_FILE: \/nowhere\/token is not there/);
  } finally {
    await providers.close();
    volume.remove();
  }
});

test('two providers must not be shown the same one, by whatever path it is named', () => {
  const [volume, other] = [makeTokenVolume(platformToken()), makeTokenVolume(platformToken())];
  const load = (work: string, google: string) => () => loadTwo(work, google);
  const problem =
    'OIDC_WORK_CLIENT_ASSERTION_FILE and OIDC_GOOGLE_CLIENT_ASSERTION_FILE name the same file: have the platform';
  try {
    expect(load(volume.path, volume.path)).toThrow(problem);
    expect(load(volume.path, volume.path.replace(/token$/, '..data/token'))).toThrow(problem);
    expect(load('/nowhere/token', '/nowhere/../nowhere/token')).toThrow(problem);
    expect(load(volume.path, other.path)).not.toThrow();
    expect(load('/nowhere/a', '/nowhere/b')).not.toThrow();
  } finally {
    volume.remove();
    other.remove();
  }
});

test('a careless line of the log holds nothing of a token, by whatever name it comes', () => {
  const token = platformToken();
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => void lines.push(line) });
  const asSent = new URLSearchParams({ client_assertion: token }).toString();
  const error = new Error(`refused: ${token}`, { cause: new TypeError(asSent) });
  log.error({ err: error, body: asSent, form: { client_assertion: token }, list: [token] }, 'careless');
  log.error({ clientAssertion: token, file: token.slice(0, -40), text: `"${token}"` }, 'careless');
  log.error({ said: `the token ${token.split('.').slice(0, 2).join('.')} is not known` }, 'careless');
  expect(lines).toHaveLength(3);
  for (const part of token.split('.')) expect(lines.join()).not.toContain(part.slice(0, 10));
  expect(lines[2]).toContain('the token [redacted] is not known');
});

/** @param seconds since when */
function expired(seconds: number): string {
  return platformToken({ exp: Math.floor(Date.now() / 1000) - seconds });
}
