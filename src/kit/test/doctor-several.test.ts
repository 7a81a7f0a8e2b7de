import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loadConfig } from '../config/index.ts';
import { betweenProviders } from '../doctor/between-providers.ts';
import { examine } from '../doctor/examine.ts';
import { toLine } from '../doctor/finding.ts';
import { checkSessionSecret } from '../doctor/settings.ts';
import { checkUsers } from '../doctor/users.ts';
import type { SiteTexts } from '../errors/texts.ts';
import { definePage } from '../pages/page.ts';
import { freePort } from '../testing/processes.ts';
import { siteFolder, startApp } from './helpers/app.ts';
import { about, type Env, expectMasked, runDoctor, sessionSecret } from './helpers/doctor-run.ts';
import { examineTwo, secretOf, settingsOf } from './helpers/doctor-several.ts';
import { clientId, clientSecret, startIdentityProvider } from './helpers/identity-provider.ts';
import { site } from './site/site.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Two of the certified kind, which know the app at this address by one name each, and the settings for them. */
async function certifiedPair(origin: string): Promise<Env> {
  const start = async (name: string) => {
    const provider = await startIdentityProvider({
      redirectOrigin: origin,
      client: {
        redirect_uris: [`${origin}/auth/callback/${name}`],
        client_secret: `${clientSecret} ${name}`,
      },
    });
    cleanups.push(() => provider.stop());
    return { issuer: provider.issuer, clientId, clientSecret: `${clientSecret} ${name}` };
  };
  return { ...settingsOf({ work: await start('work'), social: await start('social') }), BASE_URL: origin };
}

const closedPort = async () => `http://127.0.0.1:${await freePort()}`;

describe('two providers in order', () => {
  test('are both checked whole, one after the other, and each has its own addresses to register', async () => {
    const origin = await closedPort();
    const found = await examine(await certifiedPair(origin));
    expect(found.filter(({ state }) => state === 'failed')).toEqual([]);
    for (const name of ['work', 'social']) {
      const its = found.filter(({ provider }) => provider === name);
      for (const check of ['secrets', 'discovery', 'key set', 'issuer', 'PKCE', 'PAR', 'redirect address'])
        expect(
          about(its, check).map(({ state }) => state),
          `${name}: ${check}`,
        ).toEqual(['ok']);
      expect(about(its, 'client authentication').map(({ state }) => state)).toEqual(['ok', 'ok']);
      expect(about(its, 'redirect address')[0]?.text).toBe(
        `the provider accepts ${origin}/auth/callback/${name}.`,
      );
      expect(its.filter(({ check }) => check.startsWith('register')).map(({ text }) => text)).toEqual([
        `${origin}/auth/callback/${name}`,
        `${origin}/signed-out`,
        `${origin}/auth/backchannel-logout`,
        `${origin}/auth/frontchannel-logout`,
      ]);
    }
    const order = found.map(({ provider = '', check }) =>
      /^(register|front)/.test(check) ? `${provider} register` : provider,
    );
    expect(order.filter((each, index) => each !== order[index - 1])).toEqual([
      '',
      'work',
      'social',
      '',
      'work register',
      'social register',
    ]);
  });

  test('begin each line with their name, and JSON has it as a member', async () => {
    const env = await certifiedPair(await closedPort());
    const { code, output } = await runDoctor(env);
    expect(code, output).toBe(0);
    const lines = output.trimEnd().split('\n');
    expect(lines).toContainEqual(expect.stringMatching(/^✓ work: discovery: /));
    expect(lines).toContainEqual(expect.stringMatching(/^✓ social: discovery: /));
    expect(lines).toContainEqual(expect.stringMatching(/^✓ Redis: /));
    for (const line of lines) expect(line).toMatch(/^[✓!] [\w -]+: \S/);
    const { checks } = JSON.parse((await runDoctor(env, ['--json'])).output);
    expect(checks.map(toLine)).toEqual(lines);
    expect(checks).toContainEqual({
      provider: 'social',
      check: 'register as redirect address',
      state: 'ok',
      text: `${env.BASE_URL}/auth/callback/social`,
    });
  }, 60_000);

  test('are asked at the same time', async () => {
    // The first answers only when the second was asked too.
    const { promise: secondAsked, resolve: second } = Promise.withResolvers<void>();
    const metadataOf = (origin: string) => JSON.stringify({ issuer: origin });
    const listen = async (before: () => Promise<void> | void) => {
      const server = createServer(async (req, res) => {
        await before();
        res.end(metadataOf(`http://${req.headers.host}`));
      }).listen(0, '127.0.0.1');
      cleanups.push(() => server.close());
      await new Promise((resolve) => server.once('listening', resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    const { found } = await examineTwo({
      env: { OIDC_WORK_ISSUER: await listen(() => secondAsked), OIDC_SOCIAL_ISSUER: await listen(second) },
    });
    expect(
      about(found, 'discovery')
        .filter(({ state }) => state === 'ok')
        .map(({ provider }) => provider),
    ).toEqual(['work', 'social']);
  });
});

describe('of two providers', () => {
  test('one that is away hides nothing of the other', async () => {
    const { found, origin } = await examineTwo({ prepare: ({ work }) => void work.down() });
    const ofWork = found.filter(({ provider }) => provider === 'work');
    expect(about(ofWork, 'discovery')).toMatchObject([
      { state: 'failed', hint: expect.stringContaining('OIDC_WORK_ISSUER') },
    ]);
    expect(about(ofWork, 'register as redirect address')[0]?.text).toBe(`${origin}/auth/callback/work`);
    const ofSocial = found.filter(({ provider }) => provider === 'social');
    expect(ofSocial.filter(({ state }) => state === 'failed')).toEqual([]);
    expect(about(ofSocial, 'client authentication').map(({ state }) => state)).toEqual(['ok', 'ok']);
    expect(about(ofSocial, 'redirect address').map(({ state }) => state)).toEqual(['ok']);
  });

  test('one with a wrong secret is named with that setting in full', async () => {
    const wrong = 'a-secret-of-nobody-else-77';
    const { lines } = await examineTwo({ env: { OIDC_SOCIAL_CLIENT_SECRET: wrong } });
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^✗ social: client authentication: .*Check OIDC_SOCIAL_CLIENT_ID, copy OIDC_SOCIAL_CLIENT_SECRET again, and compare OIDC_SOCIAL_CLIENT_AUTH/,
      ),
    );
    expect(lines.filter((line) => line.startsWith('✗'))).toHaveLength(1);
    expect(lines.join('\n')).not.toContain(wrong);
  });

  test('a setting that both share keeps its plain name', async () => {
    const { lines } = await examineTwo({ env: { OIDC_PAR: 'require' } });
    for (const name of ['work', 'social']) {
      expect(lines).toContainEqual(
        expect.stringMatching(new RegExp(`^✗ ${name}: PAR: is not offered, and OIDC_PAR requires it\\.`)),
      );
    }
  });

  test('one that repeats the secret of the other does not bring it into a line', async () => {
    const secret = secretOf('social');
    const { found, lines } = await examineTwo({
      work: {
        lies: { discovery: { status: 500, json: { error: 'odd', error_description: `no: ${secret}` } } },
      },
    });
    expect(lines).toContainEqual(expect.stringMatching(/^✗ work: discovery: .*no: •••/));
    expectMasked(found, [secret]);
  });

  test('one that does not know its own address is not satisfied by the address of the other', async () => {
    const origin = await closedPort();
    const provider = await startIdentityProvider({
      redirectOrigin: origin,
      client: { redirect_uris: [`${origin}/auth/callback`, `${origin}/auth/callback/social`] },
    });
    cleanups.push(() => provider.stop());
    const { found } = await examineTwo({
      env: {
        BASE_URL: origin,
        OIDC_WORK_ISSUER: provider.issuer,
        OIDC_WORK_CLIENT_ID: clientId,
        OIDC_WORK_CLIENT_SECRET: clientSecret,
      },
    });
    expect(about(found, 'redirect address').filter(({ provider }) => provider === 'work')).toMatchObject([
      {
        state: 'failed',
        hint: `Register exactly this redirect address: ${origin}/auth/callback/work`,
      },
    ]);
  });

  test.each([
    'token_endpoint',
    'authorization_endpoint',
    'jwks_uri',
    'userinfo_endpoint',
    'mtls_endpoint_aliases.token_endpoint',
  ])(
    'one whose metadata names the %s of the other is not to be trusted, and nothing is tried with it',
    async (endpoint) => {
      const { lines, pair } = await examineTwo({
        prepare({ work, social }) {
          const [alias, of] = endpoint.split('.').reverse();
          const named = { [String(alias)]: `${work.origin}/token` };
          social.next({ discovery: { json: of ? { [of]: named } : named } });
          return undefined;
        },
      });
      const { origin } = pair.work;
      expect(lines.filter((line) => line.startsWith('✗ social: discovery'))).toEqual([
        `✗ social: discovery: the metadata cannot be used: it names ${endpoint} at the address of work (${origin}), and nothing is sent there for this provider. Have it name endpoints of its own. Nobody can sign in with it until then; if its operator did not expect this, do not trust it, and remove it from OIDC_PROVIDERS.`,
      ]);
      expect(lines.filter((line) => /^. work: client authentication/.test(line))).toHaveLength(2);
      expect(lines.filter((line) => /^✗ work/.test(line))).toEqual([]);
      expect(pair.social.calls.token).toBe(0);
    },
  );

  test('one whose metadata names the internal address of the other is not to be trusted either', async () => {
    const { lines, pair } = await examineTwo({
      prepare({ work, social }) {
        social.next({ discovery: { json: { token_endpoint: `${work.origin}/token` } } });
        return { OIDC_WORK_ISSUER: 'http://localhost:9', OIDC_WORK_INTERNAL_URL: work.origin };
      },
    });
    const { origin } = pair.work;
    expect(lines).toContainEqual(
      expect.stringContaining(`names token_endpoint at the address of work (${origin}), and nothing is sent`),
    );
  });

  test('one at the origin of the other may name endpoints there, and what is wrong with it is something else', async () => {
    const { lines } = await examineTwo({
      work: { op: { clientId: 'app-at-both' } },
      prepare({ work }) {
        work.next({ discovery: { json: { token_endpoint: undefined } } });
        return { OIDC_SOCIAL_ISSUER: `${work.issuer}/other` };
      },
    });
    expect(lines).toContainEqual(
      expect.stringMatching(/^✗ work: discovery: the metadata cannot be used: .* has no token_endpoint/),
    );
  });

  test('one that does not name itself in its answers is known by its own address', async () => {
    const { lines } = await examineTwo({
      social: { lies: { discovery: { json: { authorization_response_iss_parameter_supported: false } } } },
    });
    const [line] = lines.filter((each) => each.startsWith('! social: iss'));
    expect(line).toContain('The app goes by the redirect address');
  });
});

describe('settings of several providers', () => {
  const secret = 'Qv7xT2mK9wLr4ZpB6nHs';
  const env: Env = {
    SESSION_SECRET: sessionSecret,
    OIDC_PROVIDERS: 'work,social',
    OIDC_WORK_ISSUER: 'https://login.example.com',
    OIDC_WORK_CLIENT_ID: 'a',
    OIDC_WORK_CLIENT_SECRET: secret,
    OIDC_SOCIAL_ISSUER: 'https://social.example.com',
    OIDC_SOCIAL_CLIENT_ID: 'b',
    OIDC_SOCIAL_CLIENT_SECRET: `${secret}2`,
  };
  const between = (more: Env = {}) => betweenProviders(loadConfig({ ...env, ...more })).map(toLine);

  test('are called as the site calls them', () => {
    const texts = { de: { 'provider.social.label': 'Sozial' }, en: { 'provider.social.label': 'Social' } };
    const said = (words: SiteTexts) => betweenProviders(loadConfig(env), words).map(toLine)[0];
    expect(said(texts)).toBe('✓ labels: users choose between "login.example.com" and "Social".');
    expect(said({ de: texts.de })).toBe('✓ labels: users choose between "login.example.com" and "Sozial".');
  });

  test('in order have one line, with what users choose between', () => {
    expect(between({ OIDC_WORK_LABEL: 'Contoso' })).toEqual([
      '✓ labels: users choose between "Contoso" and "social.example.com".',
    ]);
  });

  test('with one secret for both are warned of', () => {
    expect(between({ OIDC_SOCIAL_CLIENT_SECRET: secret })).toContain(
      '! secrets: OIDC_WORK_CLIENT_SECRET and OIDC_SOCIAL_CLIENT_SECRET are the same: each of the two providers could pose as this app at the other. Let one of them make a new secret.',
    );
  });

  test('with both at one origin are warned of', () => {
    const lines = between({ OIDC_SOCIAL_ISSUER: 'https://login.example.com/realms/b' });
    expect(lines).toContainEqual(
      expect.stringMatching(/^! providers: work and social are both at https:\/\/login\.example\.com: /),
    );
  });

  test.each([
    ['the same', 'Contoso', 'Contoso'],
    ['the same but for case and blanks', 'Contoso  Staff', 'contoso staff'],
  ])('with labels that read %s are warned of', (_how, OIDC_WORK_LABEL, OIDC_SOCIAL_LABEL) => {
    expect(between({ OIDC_WORK_LABEL, OIDC_SOCIAL_LABEL })).toContain(
      '! labels: those of work and social read the same. Set OIDC_WORK_LABEL and OIDC_SOCIAL_LABEL to names that users know them by.',
    );
  });

  test('with the secret of one as session secret say which', () => {
    const found = [
      ...checkSessionSecret(
        loadConfig({
          ...env,
          SESSION_SECRET: `${secret}-${secret}`,
          OIDC_SOCIAL_CLIENT_SECRET: `${secret}-${secret}`,
        }),
      ),
    ];
    expect(found.map(toLine)).toEqual([
      '✗ secrets: SESSION_SECRET is the client secret, OIDC_SOCIAL_CLIENT_SECRET. Make one of its own: the provider knows the other.',
    ]);
    const earlier = {
      ...env,
      SESSION_SECRET_PREVIOUS: `${secret}-${secret}`,
      OIDC_WORK_CLIENT_SECRET: `${secret}-${secret}`,
    };
    expect([...checkSessionSecret(loadConfig(earlier))].map(({ text }) => text)).toEqual([
      'SESSION_SECRET_PREVIOUS is the client secret, OIDC_WORK_CLIENT_SECRET.',
    ]);
  });

  test('say who gets roles, and from which claim', async () => {
    const { lines } = await examineTwo();
    expect(lines).toContain('✓ work: roles: are read from the claim roles.');
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^! social: roles: nobody gets a role from social: OIDC_SOCIAL_ROLES_CLAIM is not set\. /,
      ),
    );
  });

  test('say who decides where every Microsoft tenant may come', () => {
    const entra = { OIDC_WORK_ISSUER: 'https://login.microsoftonline.com/organizations/v2.0' };
    const tenants = (OIDC_WORK_ALLOWED_TENANTS: string) => {
      const config = loadConfig({ ...env, ...entra, OIDC_WORK_ALLOWED_TENANTS });
      return [...checkUsers({ ...config, provider: config.providers[0] })]
        .slice(1)
        .map(({ state, text }) => `${state} ${text}`);
    };
    expect(tenants('*')).toEqual([
      expect.stringMatching(/^warning OIDC_ALLOWED_TENANTS=\* .*`signIn` in site\.ts/),
    ]);
    expect(tenants('11111111-2222-3333-4444-555555555555')).toEqual([
      'ok users of 1 may sign in, and no others.',
    ]);
  });

  test('that are wrong are named in full', async () => {
    const found = await examine({ ...env, OIDC_SOCIAL_CLIENT_SECRET: '', OIDC_WORK_PAR: 'maybe' });
    const text = found
      .filter(({ state }) => state === 'failed')
      .map((each) => each.text)
      .join('\n');
    expect(text).toContain('OIDC_SOCIAL_CLIENT_SECRET');
    expect(text).toContain('OIDC_WORK_PAR');
  });
});

describe('a site with several providers', () => {
  const reports = definePage({
    path: '/reports',
    title: 'Reports',
    access: { scopes: ['reports'] },
    view: 'home',
    model: () => ({}),
  });

  test('whose page does not say which provider it believes about a scope gets a line, and the rest is checked', async () => {
    const loaded = { site: { ...site, pages: () => [reports] }, root: siteFolder };
    const { lines } = await examineTwo({ loaded });
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^✗ site: The page \/reports: its rule asks for `scopes`, .* add `providers` to it/,
      ),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^✓ settings: /));
    expect(lines).toContainEqual(expect.stringMatching(/^✓ social: discovery: /));
  });

  test('that has a wrong page and a wrong setting gets a line for each, once', async () => {
    const wrong = {
      ...site,
      settings: {
        NOTE_LENGTH: { meaning: 'how long a note may be', schema: z.coerce.number(), default: '9' },
      },
      pages: 'none' as never,
    };
    const { lines } = await examineTwo({
      loaded: { site: wrong, root: siteFolder },
      env: { NOTE_LENGTH: 'x' },
    });
    expect(lines.filter((line) => line.startsWith('✗'))).toHaveLength(2);
    expect(lines).toContainEqual(expect.stringMatching(/^✗ settings: NOTE_LENGTH/));
    expect(lines).toContainEqual(expect.stringMatching(/^✗ site: site\.ts: `pages` must be a function/));
  });

  test('gets a line that rules of plain routes are checked when the app starts', async () => {
    const routes = () => {
      throw new Error('the doctor runs nothing of the site');
    };
    const told = async (parts: object) =>
      about(
        (await examineTwo({ loaded: { site: { ...site, ...parts }, root: siteFolder } })).found,
        'routes',
      );
    expect(await told({ routes, publicRoutes: undefined })).toMatchObject([
      { state: 'warning', hint: expect.stringContaining('Start the app once') },
    ]);
    expect(await told({ routes: undefined, publicRoutes: undefined })).toEqual([]);
  });

  test('whose links ask for a new account leads past a provider that makes none', async () => {
    const loaded = { site: { ...site, loginParameters: ['prompt=create'] }, root: siteFolder };
    const prompts = (...prompt_values_supported: string[]) => ({
      lies: { discovery: { json: { prompt_values_supported } } },
    });
    const one = await examineTwo({ loaded, work: prompts('login'), social: prompts('login', 'create') });
    expect(about(one.found, 'sign-up')).toMatchObject([
      { provider: 'work', state: 'ok', text: expect.stringContaining('leave this provider out') },
      { provider: 'social', state: 'ok' },
    ]);
    const none = await examineTwo({ loaded, work: prompts('login'), social: prompts('login') });
    expect(about(none.found, 'sign-up').map(({ state }) => state)).toEqual(['warning', 'warning']);
  });
});

describe('the running app', () => {
  async function running(change: Env = {}) {
    const port = await freePort();
    const env = await certifiedPair(`http://127.0.0.1:${port}`);
    const app = await startApp({ ...env, OIDC_PAR: 'off', ...change }, port);
    cleanups.push(() => app.stop());
    return env;
  }

  test('has a chooser with both, and starts a sign-in whose answer comes to that provider alone', async () => {
    const found = await examine(await running());
    expect(about(found, 'chooser').map(toLine)).toEqual([
      '✓ chooser: /auth/login asks where to sign in, with a link for each of 2 providers.',
    ]);
    expect(about(found, 'cookies').map(toLine)).toEqual([
      '✓ cookies: come through as cookies of this machine.',
    ]);
  });

  test('whose first provider is away shows its cookies at the next', async () => {
    const env = await running({ OIDC_WORK_ISSUER: await closedPort() });
    const found = await examine(env);
    expect(about(found, 'cookies').map(({ state }) => state)).toEqual(['ok']);
  });

  test('that runs with other providers is distinguished from one with these', async () => {
    const env = await running({
      OIDC_PROVIDERS: 'work',
      ...Object.fromEntries(
        ['ISSUER', 'CLIENT_ID', 'CLIENT_SECRET', 'LABEL'].map((each) => [`OIDC_SOCIAL_${each}`, undefined]),
      ),
    });
    const found = await examine(env);
    expect(about(found, 'chooser')).toMatchObject([
      { state: 'failed', text: '/auth/login has no link for work and social.' },
    ]);
  });

  test('that has one provider with a name has no chooser to look at', async () => {
    const gone = ['ISSUER', 'CLIENT_ID', 'CLIENT_SECRET', 'LABEL'].map((each) => [
      `OIDC_SOCIAL_${each}`,
      undefined,
    ]);
    const one = { OIDC_PROVIDERS: 'work', ...Object.fromEntries(gone) };
    const found = await examine({ ...(await running(one)), ...one });
    expect(about(found, 'cookies').map(({ state }) => state)).toEqual(['ok']);
    expect(found.filter(({ check }) => /^(chooser|labels)$/.test(check))).toEqual([]);
    expect(about(found, 'redirect address')).toMatchObject([{ provider: 'work', state: 'ok' }]);
  });

  test('that knows another client at one of them gets a line with its setting in full', async () => {
    const env = await running();
    const found = await examine({ ...env, OIDC_WORK_CLIENT_ID: 'another' });
    expect(about(found, 'cookies')).toMatchObject([
      { state: 'failed', text: 'are set by an app with another OIDC_WORK_CLIENT_ID.' },
    ]);
  });
});
