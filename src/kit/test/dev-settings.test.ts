import { describe, expect, test } from 'vitest';
import { type Config, loadConfig } from '../config/index.ts';
import { announcement } from '../dev/announcement.ts';
import { devPorts } from '../dev/ports.ts';
import { startedProviders } from '../dev/providers.ts';
import { appEnvironment, authenticationProblems } from '../dev/settings.ts';

const own = {
  OIDC_GOOGLE_ISSUER: 'https://accounts.google.com',
  OIDC_GOOGLE_CLIENT_ID: 'mine',
  OIDC_GOOGLE_CLIENT_SECRET: 'a secret of the developer, long enough',
};

describe('the providers of npm run dev', () => {
  test.each([
    ['nothing is set', {}, ['work', 'social']],
    ['OIDC_PROVIDERS is empty', { OIDC_PROVIDERS: '' }, ['work', 'social']],
    ['OIDC_PROVIDERS names one', { OIDC_PROVIDERS: 'work' }, ['work']],
    ['OIDC_PROVIDERS names the other', { OIDC_PROVIDERS: 'social' }, ['social']],
    ['OIDC_PROVIDERS names both', { OIDC_PROVIDERS: 'social , work' }, ['social', 'work']],
    ['OIDC_ISSUER is set', { OIDC_ISSUER: 'https://login.example.com' }, []],
    [
      'OIDC_PROVIDERS names others, without an issuer yet',
      { OIDC_PROVIDERS: 'google,contoso' },
      ['google', 'contoso'],
    ],
    ['OIDC_PROVIDERS names more than two', { OIDC_PROVIDERS: 'a,b,c' }, ['a', 'b']],
    ['OIDC_PROVIDERS names no name', { OIDC_PROVIDERS: 'client,A,b c,default' }, []],
    ['one of several is the own one', { OIDC_PROVIDERS: 'work,google', ...own }, ['work']],
    ['one has an issuer', { OIDC_WORK_ISSUER: 'https://login.example.com' }, ['social']],
    [
      'both have an issuer',
      { OIDC_WORK_ISSUER: 'https://a.example', OIDC_SOCIAL_ISSUER: 'https://b.example' },
      [],
    ],
  ])('that start where %s', (_, env, names) => {
    expect(startedProviders(env).map(({ name }) => name)).toEqual(names);
  });

  test('stand in for others under their names, and never take the part of one that is named itself', () => {
    const [partners, work] = read({ OIDC_PROVIDERS: 'partners,work' }).providers;
    expect(work).toMatchObject({ name: 'work', issuer: 'http://localhost:3001', rolesClaim: 'roles' });
    expect(partners).toMatchObject({
      ...{ name: 'partners', label: 'Partners (development)', issuer: 'http://localhost:3004' },
      rolesClaim: undefined,
    });
    const [staff, customers] = read({ OIDC_PROVIDERS: 'staff,customers' }).providers;
    expect(staff).toMatchObject({ name: 'staff', issuer: 'http://localhost:3001', rolesClaim: 'roles' });
    expect(customers).toMatchObject({ name: 'customers', issuer: 'http://localhost:3004' });
    const lines = announcement({ OIDC_PROVIDERS: 'staff,customers' }, devPorts({})).join('\n');
    expect(lines).toMatch(/^Staff +http:\/\/localhost:3001 \(accounts with roles/m);
    expect(lines).toMatch(/^Customers +http:\/\/localhost:3004 \(accounts without roles/m);
  });

  test('are two in the app: one with roles and the scopes of the API, one without both', () => {
    const [work, social] = read({}).providers;
    expect(work).toMatchObject({
      ...{ name: 'work', label: 'Work (development)', issuer: 'http://localhost:3001', rolesClaim: 'roles' },
      scope: 'openid profile email offline_access notes.read notes.write',
    });
    expect(social).toMatchObject({
      ...{ name: 'social', label: 'Social (development)', issuer: 'http://localhost:3004' },
      ...{ rolesClaim: undefined, scope: 'openid profile email offline_access' },
    });
    expect(work?.clientSecret).not.toBe(social?.clientSecret);
    expect(appEnvironment({}, devPorts({}))).toMatchObject({
      ...{ API_URL: 'http://localhost:3002', API_RESOURCE: 'http://localhost:3002' },
      NODE_ENV: 'development',
    });
  });

  test('are one with a name, and without a choice, where OIDC_PROVIDERS says so', () => {
    expect(read({ OIDC_PROVIDERS: 'work' }).providers.map(({ name, named }) => [name, named])).toEqual([
      ['work', true],
    ]);
    expect(appEnvironment({ OIDC_PROVIDERS: 'social' }, devPorts({}))).not.toHaveProperty('API_URL');
    expect(appEnvironment({ OIDC_PROVIDERS: 'social' }, devPorts({}))).not.toHaveProperty('API_RESOURCE');
  });

  test('run beside one of the developer’s own', () => {
    const { providers } = read({ OIDC_PROVIDERS: 'google,work', ...own });
    expect(providers.map(({ name, issuer }) => [name, issuer])).toEqual([
      ['google', 'https://accounts.google.com'],
      ['work', 'http://localhost:3001'],
    ]);
  });

  test('take what every provider may share, and another label and scope, from .env', () => {
    const env = { OIDC_DPOP: 'true', OIDC_WORK_LABEL: 'Contoso', OIDC_SOCIAL_SCOPE: 'openid email' };
    const [work, social] = read(env).providers;
    expect(work).toMatchObject({ label: 'Contoso', dpop: true });
    expect(social).toMatchObject({ scope: 'openid email', dpop: true });
  });

  test('start although .env has settings of another one, which the console names', () => {
    const env = {
      ...{ OIDC_CLIENT_ID: 'mine', OIDC_CLIENT_SECRET_FILE: '/nowhere', OIDC_ROLES_CLAIM: 'groups' },
      ...{ OIDC_PROMPT: 'login', OIDC_LABEL: '' },
    };
    expect(read(env).providers).toMatchObject([
      { clientId: 'web-app', prompt: 'login' },
      { prompt: 'login' },
    ]);
    expect(said(env)).toContain(
      'Not used    OIDC_CLIENT_ID, OIDC_CLIENT_SECRET_FILE, OIDC_ROLES_CLAIM: set OIDC_ISSUER for a provider of your own',
    );
    expect(said({}).join()).not.toContain('Not used');
  });

  test('cannot check a token of a platform, and the start says so', () => {
    expect(authenticationProblems({ OIDC_CLIENT_AUTH: 'workload_identity', ...own })).toEqual([
      'OIDC_CLIENT_AUTH=workload_identity needs a provider that trusts your platform: set OIDC_WORK_ISSUER, or take it out for npm run dev.',
      'OIDC_CLIENT_AUTH=workload_identity needs a provider that trusts your platform: set OIDC_SOCIAL_ISSUER, or take it out for npm run dev.',
    ]);
    const { OIDC_GOOGLE_ISSUER: OIDC_ISSUER } = own;
    expect(authenticationProblems({ OIDC_CLIENT_AUTH: 'workload_identity', OIDC_ISSUER })).toEqual([]);
    expect(authenticationProblems({ OIDC_CLIENT_AUTH: 'private_key_jwt' })).toEqual([]);
  });

  test('leave the settings alone where none of them starts', () => {
    const env = {
      OIDC_ISSUER: 'https://login.example.com',
      OIDC_CLIENT_ID: 'mine',
      API_URL: 'https://api.example',
    };
    expect(appEnvironment(env, devPorts({}))).toMatchObject(env);
    expect(appEnvironment(env, devPorts({}))).not.toHaveProperty('OIDC_PROVIDERS');
  });
});

describe('the console of npm run dev', () => {
  test('shows both providers, what each is for, and how to run one', () => {
    expect(said({ PORT: '4000' })).toEqual([
      'The app     http://localhost:4000',
      'Work        http://localhost:3001 (accounts with roles: alice (role admin), bob (role member), carol (cancels) and others)',
      'Social      http://localhost:3004 (accounts without roles: alice (another user than at work), peggy and others)',
      "Gallery     http://localhost:3003/dev/gallery (the kit's pages in every state)",
      'If your app has one provider only: OIDC_PROVIDERS=work npm run dev',
      'The app restarts when a file changes; sessions stay. Ctrl-C ends everything.',
    ]);
  });

  test.each([
    [{ OIDC_PROVIDERS: 'work' }, ['Work        http://localhost:3001'], 'Social'],
    [
      { OIDC_PROVIDERS: 'google,work', ...own },
      ['Google      https://accounts.google.com (from your settings)', 'Work        http://localhost:3001'],
      'Social',
    ],
    [
      { OIDC_ISSUER: 'https://login.example.com' },
      ['Provider    https://login.example.com (from your settings)'],
      'Gallery',
    ],
    [
      { OIDC_PROVIDERS: 'google,b,c' },
      ['Google      http', 'C           no issuer in your settings'],
      'Work',
    ],
  ])('shows only those that the app signs in at: %o', (env, shown, hidden) => {
    const text = said(env).join('\n');
    for (const line of shown) expect(text).toContain(line);
    expect(text).not.toContain(hidden);
    expect(text).not.toContain('one provider only');
  });
});

function said(env: NodeJS.ProcessEnv): string[] {
  return announcement(env, devPorts(env));
}

/** As the app reads what it is started with. */
function read(env: NodeJS.ProcessEnv): Config {
  return loadConfig(appEnvironment(env, devPorts(env)));
}
