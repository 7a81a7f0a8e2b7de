import { afterAll, expect, onTestFinished, test } from 'vitest';
import { examine } from '../doctor/examine.ts';
import { toLine } from '../doctor/finding.ts';
import { freePort } from '../testing/processes.ts';
import { makeCertificate, trust } from './helpers/certificates.ts';
import { startConnectProxy } from './helpers/connect-proxy.ts';
import { expectMasked, sessionSecret } from './helpers/doctor-run.ts';
import { clientId, clientSecret, startIdentityProvider } from './helpers/identity-provider.ts';
import { planSplit, type Rewrite } from './helpers/split-provider.ts';

// The doctor goes the app's own ways to the provider, and says which.

const server = makeCertificate({ name: 'localhost', hosts: ['localhost'] });
const forget = trust(server);
afterAll(forget);

async function linesFor(origin: string, env: Record<string, string>): Promise<string[]> {
  const found = await examine({
    BASE_URL: origin,
    SESSION_SECRET: sessionSecret,
    OIDC_CLIENT_ID: clientId,
    OIDC_CLIENT_SECRET: clientSecret,
    ...env,
  });
  expectMasked(found, [sessionSecret, clientSecret, 'pr0xy', 'w%40rd', 'w@rd']);
  return found.map(toLine);
}

/** What it says of a provider that users and the server reach at different addresses. */
async function linesOfSplit(rewrite?: Rewrite) {
  const split = await planSplit({ ...(rewrite && { rewrite }) });
  const origin = `http://127.0.0.1:${await freePort()}`;
  const provider = await split.start({ redirectOrigin: origin });
  onTestFinished(() => provider.stop());
  const lines = await linesFor(origin, { OIDC_ISSUER: split.issuer, OIDC_INTERNAL_URL: split.internal });
  // Only browsers go there.
  expect(split.strangers).toEqual([]);
  return { lines, split, origin };
}

test('a provider at an internal address is examined there, with all that the app does', async () => {
  const { lines, split, origin } = await linesOfSplit((metadata, { inside, issuer }) => ({
    ...metadata,
    jwks_uri: `${issuer.replace('https:', 'http:')}/jwks`,
    token_endpoint: String(metadata.token_endpoint).replace(issuer, inside),
  }));
  const { host } = new URL(split.issuer);
  expect(lines.filter((line) => line.startsWith('✗'))).toEqual([]);
  expect(lines).toContain(
    `✓ discovery: ${split.issuer}/.well-known/openid-configuration answers at ${split.internal} (OIDC_INTERNAL_URL) with the Host header ${host}.`,
  );
  expect(lines).toContain(
    `! internal address: requests for ${split.issuer} go to ${split.internal} by plain http, so tokens and the client secret can be read on the way. Use https there unless nobody else can read that network.`,
  );
  expect(lines).toContain(`✓ redirect address: the provider accepts ${origin}/auth/callback.`);
  expect(lines).toContain(
    `✓ client authentication: client_secret_basic is accepted: the provider knows ${clientId}.`,
  );
});

test('metadata that sends browsers to the internal address', async () => {
  const { lines, split } = await linesOfSplit((metadata, { inside }) => ({
    ...metadata,
    authorization_endpoint: `${inside}/auth`,
  }));
  expect(lines.filter((line) => line.startsWith('✗'))).toEqual([
    expect.stringMatching(
      `^✗ discovery: the metadata cannot be used: authorization_endpoint in the provider's metadata is ${split.internal}/auth, at OIDC_INTERNAL_URL, where browsers do not reach it`,
    ),
  ]);
});

test('a provider behind a proxy is examined through it', async () => {
  const proxy = await startConnectProxy({ credentials: 'pr0xy:w@rd' });
  const origin = `http://127.0.0.1:${await freePort()}`;
  const provider = await startIdentityProvider({
    redirectOrigin: origin,
    tls: { ...server, requestCert: false },
  });
  onTestFinished(() => Promise.all([proxy.stop(), provider.stop()]).then(() => {}));
  const env = { OIDC_ISSUER: provider.issuer, HTTPS_PROXY: proxy.address('pr0xy:w%40rd') };
  const lines = await linesFor(origin, env);
  expect(lines.filter((line) => line.startsWith('✗'))).toEqual([]);
  expect(lines).toContain(
    `✓ discovery: ${provider.issuer}/.well-known/openid-configuration answers through the proxy of HTTPS_PROXY.`,
  );
  const before = proxy.asked.length;
  const without = await linesFor(origin, { ...env, NO_PROXY: 'localhost' });
  expect(without).toContain(
    `✓ discovery: ${provider.issuer}/.well-known/openid-configuration answers without the proxy of HTTPS_PROXY, as NO_PROXY says.`,
  );
  expect([before > 5, proxy.asked.length]).toEqual([true, before]);
  const refused = await linesFor(origin, { ...env, HTTPS_PROXY: proxy.address() });
  expect(refused).toContain(
    `✗ discovery: there is no way to ${new URL(provider.issuer).host} (ERR_PROXY_TUNNEL). The proxy of HTTPS_PROXY asks for a user name and a password (407): write them into it, as in http://user:password@host:port.`,
  );
});
