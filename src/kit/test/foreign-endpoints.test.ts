import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createProviders } from '../provider/providers.ts';
import { prepareApp } from './helpers/app.ts';
import { createBrowser } from './helpers/browser.ts';
import { settingsOf, startTwoLiars, type TwoLiars } from './helpers/confusable-providers.ts';

// A provider whose metadata names what is another's ("malicious endpoints", RFC 9700 §4.4): what is sent there would be
// taken for that one's, or get that one's secrets. The other's users notice nothing.

async function withMetadata(
  metadata: (at: { work: string; social: string }) => Record<string, unknown>,
  use: (two: TwoLiars) => Promise<void>,
  env: Record<string, string> = {},
): Promise<void> {
  const two = await startTwoLiars({
    env,
    before({ work, social, profiles }) {
      profiles.social.metadata = metadata({ work: work.origin, social: social.origin });
    },
  });
  try {
    await use(two);
  } finally {
    await two.stop();
  }
}

/** The liar gets no sign-in and the other one no request but its own metadata's; its users sign in. */
async function expectRefused({ app, work, social, open, signIn }: TwoLiars, reason: string, hint: RegExp) {
  const browser = createBrowser();
  const page = await open(browser, '/auth/login/social?returnTo=/who', { follow: false });
  expect([page.status, page.location]).toEqual([503, undefined]);
  expect(app.events('sign_in.failed').at(-1)).toMatchObject({
    ...{ reason, iss: social.issuer },
    hint: expect.stringMatching(hint),
  });
  expect(social.calls).toMatchObject({ authorization: 0, token: 0, par: 0 });
  expect(work.calls).toMatchObject({ discovery: 1, authorization: 0, token: 0, jwks: 0, userinfo: 0 });
  expect((await signIn('work')).who.roles).toEqual(['admin']);
}

describe("metadata that names another provider's", () => {
  test.each([
    ['authorization_endpoint', '/authorize'],
    ['token_endpoint', '/token'],
    ['userinfo_endpoint', '/userinfo'],
    ['jwks_uri', '/jwks'],
    ['pushed_authorization_request_endpoint', '/par'],
    ['revocation_endpoint', '/revoke'],
    ['end_session_endpoint', '/logout'],
  ])('%s is refused', async (name, path) => {
    await withMetadata(
      ({ work }) => ({ [name]: work + path }),
      (two) => expectRefused(two, 'discovery_invalid', new RegExp(`^${name} .*another provider`)),
    );
  });

  test('address for calls with a client certificate is refused (RFC 8705 §5)', async () => {
    await withMetadata(
      ({ work }) => ({ mtls_endpoint_aliases: { token_endpoint: `${work}/token` } }),
      (two) =>
        expectRefused(two, 'discovery_invalid', /^mtls_endpoint_aliases\.token_endpoint .*another provider/),
    );
  });

  test('issuer is refused', async () => {
    await withMetadata(
      ({ work }) => ({ issuer: work }),
      (two) => expectRefused(two, 'discovery_issuer', /^the provider identifies itself as http/),
    );
  });
});

describe('of several providers', () => {
  test("those of one server are one operator's: each may name what is there", async () => {
    const { origin, stop } = await startRealms();
    const providers = await providersAt([`${origin}/realms/a`, `${origin}/realms/b`]);
    await Promise.all(providers.all.map((each) => each.load()));
    expect(providers.all.map((each) => each.loaded())).toEqual([true, true]);
    await providers.close();
    await stop();
  });

  test('one that names another by a host with a dot at its end is refused all the same', async () => {
    const { origin, stop } = await startRealms('https://id.example.com./token');
    const providers = await providersAt([`${origin}/realms/a`, 'https://id.example.com']);
    await expect(providers.all[0].load()).rejects.toMatchObject({
      hint: expect.stringContaining('another provider'),
    });
    await providers.close();
    await stop();
  });
});

/** One server with many issuers. */
async function startRealms(token_endpoint?: string) {
  const server = createServer((req, res) => {
    const issuer = origin + (req.url ?? '').replace('/.well-known/openid-configuration', '');
    const at = (name: string) => `${issuer}/${name}`;
    const endpoints = { authorization_endpoint: at('auth'), jwks_uri: at('keys') };
    const body = { issuer, token_endpoint: token_endpoint ?? `${origin}/token`, ...endpoints };
    res.setHeader('content-type', 'application/json').end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, stop: () => new Promise((resolve) => server.close(resolve)) };
}

async function providersAt(issuers: readonly string[]) {
  const names = issuers.map((_, index) => `p${index}`);
  const settings = issuers.map((ISSUER, index) =>
    settingsOf(`p${index}`, {
      ISSUER,
      CLIENT_ID: 'app',
      CLIENT_SECRET: `the secret of this app at ${index}`,
    }),
  );
  const { checked, log, origin } = await prepareApp({
    OIDC_PROVIDERS: names.join(),
    ...Object.assign({}, ...settings),
  });
  return createProviders(checked.config.providers, { log, audit: () => {}, baseUrl: origin });
}
