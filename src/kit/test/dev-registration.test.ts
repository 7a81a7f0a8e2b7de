import { type ChildProcess, fork } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK } from 'jose';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { ConfigError, loadConfig } from '../config/index.ts';
import { devPorts } from '../dev/ports.ts';
import { startedProviders } from '../dev/providers.ts';
import { registration, settingsAt } from '../dev/registration.ts';
import type { ServersMessage } from '../dev/servers.ts';
import { appEnvironment } from '../dev/settings.ts';
import { projectRoot } from '../folders.ts';
import { startApp } from './helpers/app.ts';
import { bareEnv } from './helpers/bare-env.ts';
import { type Browser, createBrowser } from './helpers/browser.ts';
import { freeDevPorts } from './helpers/dev-process.ts';
import { warningsOf } from './helpers/whole-life.ts';

// The development providers know the app by the same settings that the app reads, so that nobody registers a key.

const folder = mkdtempSync(join(tmpdir(), 'dev-registration-'));
afterAll(() => rmSync(folder, { recursive: true }));

const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = (namedCurve = 'P-256') => generateKeyPairSync('ec', { namedCurve });
const keys = {
  ...{ rsa: rsa(), rsaToo: rsa(), ec: ec(), ecToo: ec(), p384: ec('P-384'), p521: ec('P-521') },
  x25519: generateKeyPairSync('x25519'),
  ed25519: generateKeyPairSync('ed25519'),
};

/** Files of private keys, as a setting names them. */
function files(...names: (keyof typeof keys)[]): string {
  const paths = names.map((name) => join(folder, `${name}.pem`));
  names.forEach((name, index) => {
    writeFileSync(paths[index] ?? '', pemOf(keys[name].privateKey));
  });
  return paths.join(',');
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

const signedAndEncrypted = {
  OIDC_WORK_REQUEST_OBJECT: 'true',
  OIDC_WORK_CLIENT_KEY_FILE: files('ec'),
  OIDC_WORK_RESPONSE_MODE: 'jwt',
  OIDC_WORK_DECRYPTION_KEY_FILE: files('rsa'),
};

describe('in the provider of npm run dev a sign-in works', { timeout: 60_000 }, () => {
  test.each<[string, NodeJS.ProcessEnv]>([
    ['signed requests, signed answers and encrypted tokens', signedAndEncrypted],
    [
      'the same without pushed requests, with two keys of each kind and an ID token by another algorithm',
      {
        ...signedAndEncrypted,
        OIDC_PAR: 'off',
        OIDC_ID_TOKEN_ALG: 'PS256',
        OIDC_WORK_CLIENT_KEY_FILE: files('ec', 'rsaToo'),
        OIDC_WORK_DECRYPTION_KEY_FILE: files('ecToo', 'rsa'),
      },
    ],
    [
      'private_key_jwt',
      {
        ...{ ...signedAndEncrypted, OIDC_WORK_CLIENT_AUTH: 'private_key_jwt', OIDC_DPOP: 'true' },
        OIDC_WORK_DECRYPTION_KEY_FILE: files('x25519'),
      },
    ],
    ['client_secret_jwt', { OIDC_CLIENT_AUTH: 'client_secret_jwt', OIDC_ID_TOKEN_ALG: 'EdDSA' }],
    ['client_secret_post', { OIDC_CLIENT_AUTH: 'client_secret_post', OIDC_ID_TOKEN_ALG: 'ES384' }],
  ])('with %s', async (_, env) => {
    const { app, browser, origin, provider } = await startBoth(env);
    const page = await signIn(browser, origin);
    expect([page.status, page.url], warningsOf(app)).toEqual([200, `${origin}/profile`]);
    expect(page.body).toContain('Alice Adams');
    // Neither the ID token nor userinfo came unencrypted.
    expect(warningsOf(app)).not.toContain('unencrypted');
    const way = browser.visited.map((line) => new URL(line.split(' ')[1] ?? '').searchParams);
    expect(way.some((query) => query.has('response'))).toBe(env.OIDC_WORK_RESPONSE_MODE === 'jwt');
    expect(way.some((query) => query.has('request'))).toBe(env.OIDC_PAR === 'off');
    // Signed out at the provider: its logout token is encrypted as its ID tokens are.
    await browser.post(`${provider}/sessions/end`, { sub: 'alice' });
    expect(app.events('logout_token.refused'), warningsOf(app)).toEqual([]);
    expect((await browser.get(`${origin}/profile`, { follow: false })).status).not.toBe(200);
  });

  // So that the provider is known to do what it is registered for.
  test.each([
    ['encrypts with the key that was registered', 'OIDC_WORK_DECRYPTION_KEY_FILE', 'rsaToo'],
    ['takes requests by the key that was registered', 'OIDC_WORK_CLIENT_KEY_FILE', 'ecToo'],
  ] as const)('and with other keys it fails: it %s', async (_, setting, other) => {
    const { app, browser, origin } = await startBoth(signedAndEncrypted, { [setting]: files(other) });
    expect((await signIn(browser, origin)).status).not.toBe(200);
    const [failure] = app.events('sign_in.failed');
    expect(failure?.reason).toBe(
      setting === 'OIDC_WORK_DECRYPTION_KEY_FILE' ? 'id_token_encrypted' : 'provider_error',
    );
  });

  test('with keys that have changed since, once the app has started again', async () => {
    const key = join(folder, 'changing.pem');
    writeFileSync(key, pemOf(keys.rsa.privateKey));
    const env = { ...signedAndEncrypted, OIDC_WORK_DECRYPTION_KEY_FILE: key };
    const { app, browser, origin, servers } = await startBoth(env, {
      OIDC_WORK_DECRYPTION_KEY_FILE: files('ecToo'),
    });
    writeFileSync(key, pemOf(keys.ecToo.privateKey));
    servers.send({ appName: 'Known again' } satisfies ServersMessage);
    await expect
      .poll(async () => (await browser.get(`${origin}/profile`)).body, { timeout: 20_000, interval: 500 })
      .toContain('Known again');
    expect((await signIn(browser, origin)).status, warningsOf(app)).toBe(200);
  });
});

describe('a development provider knows the app by', () => {
  const work = (env: NodeJS.ProcessEnv) => registered('work', env);

  test('its secret alone where nothing is set', async () => {
    const client = await work({});
    expect(client).toMatchObject({
      token_endpoint_auth_method: 'client_secret_basic',
      client_secret: expect.stringContaining('at-work'),
      redirect_uris: ['http://localhost:3000/auth/callback/work'],
    });
    for (const name of ['jwks', 'require_signed_request_object', 'id_token_encrypted_response_alg'])
      expect(client).not.toHaveProperty(name);
  });

  test('the public keys alone, by the ids that the app compares', async () => {
    const named = { ...keys.p384.privateKey.export({ format: 'jwk' }), kid: 'my key' };
    writeFileSync(join(folder, 'named.jwk'), JSON.stringify(named));
    const client = await work({
      ...{ ...signedAndEncrypted, OIDC_WORK_CLIENT_AUTH: 'private_key_jwt' },
      OIDC_WORK_CLIENT_KEY_FILE: `${join(folder, 'named.jwk')},${files('ed25519')}`,
      OIDC_WORK_DECRYPTION_KEY_FILE: files('p521', 'rsa'),
    });
    const jwks = client.jwks as { keys: object[] };
    const idOf = async (key: KeyObject) => calculateJwkThumbprint(await exportJWK(key));
    expect(jwks.keys).toMatchObject([
      { kty: 'EC', crv: 'P-384', use: 'sig', kid: 'my key' },
      { kty: 'OKP', crv: 'Ed25519', use: 'sig', kid: await idOf(keys.ed25519.publicKey) },
      { kty: 'EC', use: 'enc', alg: 'ECDH-ES', kid: await idOf(keys.p521.publicKey) },
      { kty: 'RSA', use: 'enc', alg: 'RSA-OAEP-256', kid: await idOf(keys.rsa.publicKey) },
    ]);
    for (const key of jwks.keys) expect(key).not.toHaveProperty('d');
    expect(client).not.toHaveProperty('client_secret');
    expect(client).toMatchObject({
      token_endpoint_auth_method: 'private_key_jwt',
      require_signed_request_object: true,
      id_token_encrypted_response_alg: 'ECDH-ES',
      userinfo_signed_response_alg: 'RS256',
      userinfo_encrypted_response_alg: 'ECDH-ES',
    });
  });

  test('them whatever settings the site has of its own', async () => {
    const client = await work({ ...signedAndEncrypted, OIDC_OF_THE_SITE: 'yes', SESSION_IDLE_MINUTE: '5' });
    expect(client).toMatchObject({ require_signed_request_object: true });
  });

  test('what holds for it, with a name or for all', async () => {
    const env = {
      ...{ OIDC_REQUEST_OBJECT: 'true', OIDC_ID_TOKEN_ALG: 'PS256', OIDC_SOCIAL_ID_TOKEN_ALG: 'ES256' },
      ...{ OIDC_WORK_CLIENT_KEY_FILE: files('ec'), OIDC_SOCIAL_CLIENT_KEY_FILE: files('ecToo') },
      OIDC_SOCIAL_DECRYPTION_KEY_FILE: files('rsa'),
    };
    const [atWork, atSocial] = [await work(env), await registered('social', env)];
    expect(atWork).toMatchObject({
      require_signed_request_object: true,
      id_token_signed_response_alg: 'PS256',
    });
    expect(atWork).not.toHaveProperty('id_token_encrypted_response_alg');
    expect(atSocial).toMatchObject({
      ...{ require_signed_request_object: true, id_token_signed_response_alg: 'ES256' },
      id_token_encrypted_response_alg: 'RSA-OAEP-256',
    });
    expect(atWork.jwks).not.toEqual(atSocial.jwks);
  });
});

describe('settings that cannot work are the app’s to complain of', { timeout: 60_000 }, () => {
  const tlsClientAuth = { OIDC_WORK_CLIENT_AUTH: 'tls_client_auth', OIDC_WORK_CLIENT_KEY_FILE: files('ec') };
  const missing = join(folder, 'missing.pem');
  test.each<[string, NodeJS.ProcessEnv, string[]]>([
    [
      'a key file that is missing',
      { ...signedAndEncrypted, OIDC_WORK_CLIENT_KEY_FILE: missing },
      ['OIDC_WORK_CLIENT_KEY_FILE names a file that cannot be read: check its path and permissions.'],
    ],
    [
      'a key for one thing where another is needed',
      { ...signedAndEncrypted, OIDC_WORK_DECRYPTION_KEY_FILE: files('ed25519') },
      [expect.stringMatching(/^OIDC_WORK_DECRYPTION_KEY_FILE must name an RSA key/)],
    ],
    [
      'no key where one is needed',
      { OIDC_WORK_CLIENT_AUTH: 'private_key_jwt' },
      ['OIDC_WORK_CLIENT_KEY_FILE is missing. OIDC_WORK_CLIENT_AUTH=private_key_jwt needs it.'],
    ],
    [
      'a certificate, which http cannot show',
      { ...tlsClientAuth, OIDC_WORK_CLIENT_CERT_FILE: missing },
      [
        expect.stringMatching(/^OIDC_WORK_CLIENT_AUTH=tls_client_auth needs an https OIDC_WORK_ISSUER/),
        'OIDC_WORK_CLIENT_CERT_FILE names a file that cannot be read: check its path and permissions.',
      ],
    ],
    [
      'a secret of the developer’s own beside a key',
      {
        ...{ OIDC_WORK_CLIENT_AUTH: 'private_key_jwt', OIDC_WORK_CLIENT_KEY_FILE: files('ec') },
        OIDC_WORK_CLIENT_SECRET: 'one of my own, long enough',
      },
      ['OIDC_WORK_CLIENT_SECRET has no effect with OIDC_WORK_CLIENT_AUTH=private_key_jwt: remove it.'],
    ],
  ])('%s', async (_, env, problems) => {
    expect(problemsOf({ OIDC_PROVIDERS: 'work', ...env })).toEqual(problems);
  });

  test('and the providers start meanwhile, and stay', async () => {
    const { servers, said } = await startServers({
      ...signedAndEncrypted,
      OIDC_WORK_CLIENT_KEY_FILE: missing,
    });
    servers.send({ appName: 'Still there' } satisfies ServersMessage);
    expect([servers.exitCode, said()]).toEqual([null, expect.not.stringContaining('Error')]);
  });
});

/** The servers of `npm run dev`, and the app with the same settings. */
async function startBoth(env: NodeJS.ProcessEnv, ofTheApp: NodeJS.ProcessEnv = {}) {
  const { ports, servers } = await startServers(env);
  const all = { OIDC_PROVIDERS: 'work', ...ports, ...env, ...ofTheApp };
  const app = await startApp(appEnvironment(all, devPorts(all)), Number(ports.PORT));
  onTestFinished(app.stop);
  return {
    ...{ app, servers, browser: createBrowser() },
    origin: `http://localhost:${ports.PORT}`,
    provider: `http://localhost:${ports.DEV_PROVIDER_PORT}`,
  };
}

async function startServers(env: NodeJS.ProcessEnv) {
  const free = await freeDevPorts();
  const ports = {
    ...{ PORT: `${free.app}`, DEV_PROVIDER_PORT: `${free.provider}` },
    ...{ DEV_SOCIAL_PORT: `${free.social}`, DEV_API_PORT: `${free.api}` },
  };
  const servers: ChildProcess = fork(join(projectRoot, 'src/kit/dev/servers.ts'), ['work'], {
    env: { ...bareEnv, OIDC_PROVIDERS: 'work', ...ports, ...env },
    silent: true,
  });
  onTestFinished(async () => {
    if (servers.exitCode !== null) return;
    servers.kill();
    await once(servers, 'close');
  });
  let said = '';
  servers.stdout?.on('data', (text) => (said += text));
  servers.stderr?.on('data', (text) => (said += text));
  await Promise.race([
    once(servers, 'message'),
    once(servers, 'close').then(() => Promise.reject(new Error(`the servers ended:\n${said}`))),
  ]);
  return { servers, ports, said: () => said };
}

async function signIn(browser: Browser, origin: string) {
  const page = await browser.get(`${origin}/profile`);
  return page.body.includes('<form') ? browser.submit(page, { account: 'alice' }) : page;
}

async function registered(name: string, env: NodeJS.ProcessEnv) {
  const provider = startedProviders({ ...env, OIDC_PROVIDERS: name })[0];
  if (!provider) throw new Error(`there is no development provider ${name}`);
  const app = { name: 'Web app', origin: 'http://localhost:3000' };
  return registration(provider, app, settingsAt(provider, env, devPorts(env)));
}

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfig(appEnvironment(env, devPorts(env)));
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
