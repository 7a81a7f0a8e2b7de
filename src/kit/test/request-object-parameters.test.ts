import { decodeJwt, type JWTPayload } from 'jose';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { AnySite } from '../site.ts';
import { createBrowser } from './helpers/browser.ts';
import { startHttpsPair } from './helpers/https-front.ts';
import { plain } from './helpers/misbehaving-profiles.ts';
import { type Pair, withPair } from './helpers/misbehaving-sign-in.ts';
import { beginAt, keyFolder, registeredFor, rsaKey, type SigningKey } from './helpers/request-objects.ts';
import { watchForms, withPairOf } from './helpers/whole-life.ts';

// A signed request asks for what the plain one asks, and for nothing else.

vi.setConfig({ testTimeout: 60_000 });

const folder = keyFolder('request-object-parameters');
let key: SigningKey;
beforeAll(async () => {
  key = await folder.save(rsaKey());
});
afterAll(folder.remove);

const signing = () => ({ OIDC_REQUEST_OBJECT: 'true', OIDC_CLIENT_KEY_FILE: key.file });
const loginParameters = [
  'login_hint',
  'ui_locales',
  'organization',
  'claims',
  'authorization_details',
  'sub',
  'prompt=create',
];
const link = (query: Record<string, string>) => `/auth/login?${new URLSearchParams(query)}`;

/** The parameters of a sign-in that such an app begins, by name; of several with one name a list. */
async function parametersOf(
  env: Record<string, string>,
  { path = '/profile', parts = {} }: { path?: string; parts?: Partial<AnySite> } = {},
) {
  const op = {
    profile: { ...plain, metadata: { prompt_values_supported: undefined, scopes_supported: undefined } },
  };
  return withPair({ op, env, parts: { loginParameters, ...parts } }, async (pair) =>
    asked(await beginAt(pair, path)),
  );
}

function asked({ searchParams }: URL): JWTPayload {
  const request = searchParams.get('request');
  if (request !== null) return decodeJwt(request);
  return Object.fromEntries(
    [...new Set(searchParams.keys())].map((name) => {
      const values = searchParams.getAll(name);
      return [name, values.length > 1 ? values : values[0]];
    }),
  );
}

const ofTheJwt = ['iss', 'aud', 'iat', 'nbf', 'exp', 'jti'];
const freshEachTime = ['state', 'nonce', 'code_challenge'];
/** Another port for each pair. */
const ofThisPair = ['redirect_uri'];
const without = (parameters: JWTPayload, names: string[]) =>
  Object.fromEntries(Object.entries(parameters).filter(([name]) => !names.includes(name)));

const claims = { id_token: { email: { essential: true } }, userinfo: { name: null } };
const apis = () => ({
  notes: { url: 'http://127.0.0.1:9/notes', resource: 'https://notes.example.com/', scope: 'notes.read' },
  plans: { url: 'http://127.0.0.1:9/plans', resource: 'https://plans.example.com/' },
});

interface Case {
  what: string;
  env?: Record<string, string>;
  path?: string;
  parts?: Partial<AnySite>;
  /** What this is about, as it is inside. */
  inside: Record<string, unknown>;
  /** Those that are JSON inside, as the plain request writes them. */
  plain?: Record<string, unknown>;
}

const cases: Case[] = [
  {
    what: 'nothing set',
    inside: { response_type: 'code', code_challenge_method: 'S256', client_id: 'web app:1' },
  },
  { what: 'OIDC_SCOPE', env: { OIDC_SCOPE: 'openid roles' }, inside: { scope: 'openid roles' } },
  { what: 'OIDC_RESPONSE_MODE=jwt', env: { OIDC_RESPONSE_MODE: 'jwt' }, inside: { response_mode: 'jwt' } },
  { what: 'OIDC_PROMPT', env: { OIDC_PROMPT: 'login consent' }, inside: { prompt: 'login consent' } },
  {
    what: 'OIDC_MAX_AGE, a number',
    env: { OIDC_MAX_AGE: '3600' },
    inside: { max_age: 3600 },
    plain: { max_age: '3600' },
  },
  { what: 'OIDC_MAX_AGE=0', env: { OIDC_MAX_AGE: '0' }, inside: { max_age: 0 }, plain: { max_age: '0' } },
  { what: 'OIDC_ACR_VALUES', env: { OIDC_ACR_VALUES: 'urn:a urn:b' }, inside: { acr_values: 'urn:a urn:b' } },
  { what: 'OIDC_UI_LOCALES', env: { OIDC_UI_LOCALES: 'de-CH en' }, inside: { ui_locales: 'de-CH en' } },
  {
    what: 'OIDC_AUDIENCE',
    env: { OIDC_AUDIENCE: 'https://api.example.com' },
    inside: { audience: 'https://api.example.com' },
  },
  {
    what: 'OIDC_RESOURCE',
    env: { OIDC_RESOURCE: 'https://api.example.com' },
    inside: { resource: 'https://api.example.com' },
  },
  {
    what: 'several resources, a list',
    env: { OIDC_RESOURCE: 'https://api.example.com' },
    parts: { apis },
    inside: {
      resource: ['https://api.example.com', 'https://notes.example.com/', 'https://plans.example.com/'],
      scope: 'openid profile email offline_access notes.read',
    },
  },
  {
    what: 'OIDC_AUTHORIZATION_PARAMETERS, whose claims are an object and whose authorization_details a list',
    env: {
      OIDC_AUTHORIZATION_PARAMETERS: new URLSearchParams({
        organization: 'Zoë & "sons"',
        claims: JSON.stringify(claims),
        authorization_details: '[{"type":"account"}]',
      }).toString(),
    },
    inside: { organization: 'Zoë & "sons"', claims, authorization_details: [{ type: 'account' }] },
    plain: { claims: JSON.stringify(claims), authorization_details: '[{"type":"account"}]' },
  },
  {
    what: "a link's parameters",
    path: link({ login_hint: 'Zoë+1@example.com', ui_locales: 'fr', prompt: 'create', organization: '42' }),
    env: { OIDC_UI_LOCALES: 'de' },
    inside: { login_hint: 'Zoë+1@example.com', ui_locales: 'fr', prompt: 'create', organization: '42' },
  },
];

describe('a signed request holds each parameter of the plain one, and no other', () => {
  test.each(cases)('$what', async ({ env = {}, inside, plain: written = {}, ...how }) => {
    const usual = await parametersOf(env, how);
    const signed = await parametersOf({ ...env, ...signing() }, how);
    expect(signed).toMatchObject(inside);
    expect(usual).toMatchObject({ ...inside, ...written });

    expect(Object.keys(without(signed, ofTheJwt)).sort()).toEqual(Object.keys(usual).sort());
    const differing = [...freshEachTime, ...ofThisPair];
    expect(without(signed, [...ofTheJwt, ...differing])).toEqual({ ...without(usual, differing), ...inside });
    for (const name of freshEachTime) {
      const lengths = [usual, signed].map((parameters) => String(parameters[name]).length);
      expect(lengths[1], name).toBe(lengths[0]);
    }
    for (const { redirect_uri } of [usual, signed]) {
      expect(redirect_uri).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/auth\/callback$/);
    }
  });

  test('response_mode=form_post', async () => {
    const pair = await startHttpsPair({ ...signing(), OIDC_RESPONSE_MODE: 'form_post', OIDC_PAR: 'off' });
    try {
      const { location = '' } = await createBrowser({ ca: pair.ca }).get(pair.url('/profile'), {
        follow: false,
      });
      expect(asked(new URL(location))).toMatchObject({
        response_mode: 'form_post',
        redirect_uri: pair.url('/auth/callback'),
      });
      expect(new URL(location).searchParams.has('response_mode')).toBe(false);
    } finally {
      await pair.stop();
    }
  });
});

const leftOut = ({ app }: Pick<Pair, 'app'>) =>
  app.lines.filter(({ msg }) => msg.startsWith('parameters of a link were left out'));

describe('a link whose parameters make the address too long', () => {
  const hint = `${'h'.repeat(250)}@example.com`;
  const organization = 'o'.repeat(200);
  const long = link({ login_hint: hint, organization, ui_locales: 'de' });

  test('loses the longest of them without PAR, and the log says which and what to do', async () => {
    const { client, env } = registeredFor('client_secret_basic', key);
    const operators = { OIDC_AUTHORIZATION_PARAMETERS: `domain=${'d'.repeat(200)}` };
    const parts = { loginParameters };
    await withPairOf({ client, env: { ...env, ...operators, OIDC_PAR: 'off' }, parts }, async (pair) => {
      const browser = createBrowser();
      const sentOff = await browser.get(pair.app.url(long), { follow: false });
      const address = new URL(sentOff.location ?? '');
      expect(address.href.length).toBeLessThan(2_000);
      expect(asked(address)).toMatchObject({ ui_locales: 'de', organization, domain: 'd'.repeat(200) });
      expect(asked(address)).not.toHaveProperty('login_hint');
      expect(leftOut(pair)).toMatchObject([
        { level: 'warn', parameters: ['login_hint'], hint: expect.stringContaining('OIDC_PAR') },
      ]);
      expect((await pair.goOn(browser, sentOff, 'alice')).status).toBe(200);
    });
  });

  test('keeps them all by PAR', async () => {
    const { client, env } = registeredFor('client_secret_basic', key);
    await withPairOf({ client, env, parts: { loginParameters } }, async (pair) => {
      const forms = watchForms(pair.provider);
      const address = await beginAt(pair, long);
      expect(address.href.length).toBeLessThan(400);
      expect(decodeJwt(forms[0]?.request ?? '')).toMatchObject({
        login_hint: hint,
        organization,
        ui_locales: 'de',
      });
      expect(leftOut(pair)).toEqual([]);
    });
  });

  test('keeps what is short, also with a long key; one that fits loses nothing', async () => {
    const large = await folder.save(rsaKey(4096));
    const env = { ...signing(), OIDC_CLIENT_KEY_FILE: large.file };
    await withPair({ env, parts: { loginParameters } }, async (pair) => {
      const address = await beginAt(pair, link({ login_hint: 'h'.repeat(500), ui_locales: 'de' }));
      expect(address.href.length).toBeLessThan(2_000);
      expect(asked(address)).toMatchObject({ ui_locales: 'de' });
      expect(leftOut(pair)).toMatchObject([{ parameters: ['login_hint'] }]);
      expect(asked(await beginAt(pair, link({ login_hint: 'alice' })))).toMatchObject({
        login_hint: 'alice',
      });
      expect(leftOut(pair)).toHaveLength(1);
    });
  });

  test('is measured by what is inside, where numbers are written out', async () => {
    const small = `{"a":[${Array(100).fill('1e20').join()}]}`;
    await withPair({ env: signing(), parts: { loginParameters } }, async (pair) => {
      const address = await beginAt(pair, link({ claims: small, login_hint: 'alice' }));
      expect(address.href.length).toBeLessThan(2_000);
      expect(asked(address)).toMatchObject({ login_hint: 'alice' });
      expect(leftOut(pair)).toMatchObject([{ parameters: ['claims'] }]);
    });
  });
});

describe('what a signed request cannot hold is left out of a link, and the sign-in goes on', () => {
  test.each([
    ['claims', 'not JSON'],
    ['claims', '{"id_token":'],
    ['claims', '[]'],
    ['claims', '"text"'],
    ['claims', 'null'],
    ['authorization_details', '{}'],
    ['authorization_details', 'x'],
    // A JWT about the client itself would be a client assertion (RFC 9101 §10.8).
    ['sub', 'web-app'],
  ])('%s=%s', async (name, value) => {
    const { client, env } = registeredFor('client_secret_basic', key);
    await withPairOf({ client, env, parts: { loginParameters } }, async (pair) => {
      const forms = watchForms(pair.provider);
      const { page } = await pair.signIn(
        'alice',
        link({ [name]: value, login_hint: 'alice', returnTo: '/profile' }),
      );
      expect(page.status).toBe(200);
      const inside = decodeJwt(forms[0]?.request ?? '');
      expect(inside).toMatchObject({ login_hint: 'alice' });
      expect(inside).not.toHaveProperty(name);
      expect(leftOut(pair)).toMatchObject([{ parameters: [name], hint: expect.stringContaining('JSON') }]);
      expect(JSON.stringify(leftOut(pair))).not.toContain(JSON.stringify(value));
    });
  });

  test('a plain request goes on as it is', async () => {
    expect(await parametersOf({}, { path: link({ claims: 'x', sub: 'a' }) })).toMatchObject({
      claims: 'x',
      sub: 'a',
    });
  });
});
