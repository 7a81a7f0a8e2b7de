import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { examine } from '../doctor/examine.ts';
import { toLine } from '../doctor/finding.ts';
import { freePort } from '../testing/processes.ts';
import { makeCertificate } from './helpers/certificates.ts';
import { sessionSecret } from './helpers/doctor-run.ts';
import { clientId, startIdentityProvider } from './helpers/identity-provider.ts';
import { startMutualTlsProvider } from './helpers/mutual-tls.ts';
import { trustDuringTests } from './helpers/trusted.ts';

const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
const server = makeCertificate({ name: 'localhost', hosts: ['localhost'] });
const authority = makeCertificate({ name: 'Clients of this provider' });
const issued = makeCertificate({ name: 'web-app', issuer: authority });
trustDuringTests(server);
beforeAll(() => {
  writeFileSync(join(folder, 'key.pem'), issued.key);
  writeFileSync(join(folder, 'cert.pem'), issued.cert);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function examineAt(
  issuer: string,
  origin: string,
  env: Record<string, string> = {},
): Promise<string[]> {
  const found = await examine({
    BASE_URL: origin,
    SESSION_SECRET: sessionSecret,
    OIDC_ISSUER: issuer,
    OIDC_CLIENT_ID: clientId,
    OIDC_CLIENT_AUTH: 'tls_client_auth',
    OIDC_CLIENT_KEY_FILE: join(folder, 'key.pem'),
    OIDC_CLIENT_CERT_FILE: join(folder, 'cert.pem'),
    ...env,
  });
  return found.map(toLine);
}

test.each([
  [
    'is known by its certificate',
    'CN=web-app',
    /^✓ client authentication: tls_client_auth is accepted: the provider knows web-app\.$/,
  ],
  [
    'has another certificate registered is not known',
    'CN=other',
    /^✗ client authentication: the provider refuses web-app by tls_client_auth \(invalid_client: .*\)\. Register the certificate in OIDC_CLIENT_CERT_FILE/,
  ],
])('a client that %s', async (_what, tls_client_auth_subject_dn, line) => {
  const origin = `http://127.0.0.1:${await freePort()}`;
  const provider = await startMutualTlsProvider(server, authority, {
    redirectOrigin: origin,
    client: {
      token_endpoint_auth_method: 'tls_client_auth',
      client_secret: undefined as never,
      tls_client_auth_subject_dn,
    },
  });
  try {
    expect(await examineAt(provider.issuer, origin)).toContainEqual(expect.stringMatching(line));
  } finally {
    await provider.stop();
  }
});

test('a provider that does not know who signed the certificate', async () => {
  const tls = { cert: server.cert, key: server.key, ca: [makeCertificate({ name: 'Others' }).cert] };
  const asking = createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: true }).listen(
    0,
    'localhost',
  );
  await once(asking, 'listening');
  const origin = `http://127.0.0.1:${await freePort()}`;
  const token_endpoint = `https://localhost:${(asking.address() as AddressInfo).port}/token`;
  const provider = await startIdentityProvider({
    redirectOrigin: origin,
    tls: { cert: server.cert, key: server.key },
    overrides: { discovery: { mtls_endpoint_aliases: { token_endpoint } } },
  });
  try {
    expect(await examineAt(provider.issuer, origin)).toContainEqual(
      expect.stringMatching(
        /^✗ client authentication: the token endpoint closes the connection \(\w+\), as it does where it does not trust the certificate in OIDC_CLIENT_CERT_FILE\. Have the provider trust the CA/,
      ),
    );
  } finally {
    asking.closeAllConnections();
    asking.close();
    await provider.stop();
  }
});

test.each<[what: string, env: Record<string, string>]>([
  ['certificate', {}],
  ['key', { OIDC_CLIENT_AUTH: 'private_key_jwt', OIDC_CERTIFICATE_BOUND_TOKENS: 'true' }],
])('a provider that takes requests and codes from anybody does not check the %s', async (what, env) => {
  const asked: string[] = [];
  const careless = createTlsServer({ cert: server.cert, key: server.key }, async (req, res) => {
    const signed = new URLSearchParams(await text(req)).has('request');
    asked.push(`${req.url}${signed ? ' signed' : ''}`);
    const answers: Record<string, [status: number, body: object]> = {
      '/.well-known/openid-configuration': [200, metadata],
      '/par': [signed ? 201 : 400, { request_uri: 'urn:example:one', expires_in: 60 }],
      '/token': [400, { error: 'invalid_grant' }],
    };
    const [status, body] = answers[req.url ?? ''] ?? [404, {}];
    res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await once(careless.listen(0, 'localhost'), 'listening');
  const issuer = `https://localhost:${(careless.address() as AddressInfo).port}`;
  const metadata = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    pushed_authorization_request_endpoint: `${issuer}/par`,
    jwks_uri: `${issuer}/jwks`,
  };
  try {
    const origin = `http://127.0.0.1:${await freePort()}`;
    const lines = await examineAt(issuer, origin, { OIDC_REQUEST_OBJECT: 'true', ...env });
    expect(lines).toContainEqual(
      expect.stringMatching(
        new RegExp(
          `^✗ client authentication: the provider does not check the ${what} of web-app: it accepts a made-up one too\\.`,
        ),
      ),
    );
    expect(asked).toContain('/par signed');
  } finally {
    careless.closeAllConnections();
    careless.close();
  }
});

test('a provider that speaks plain http where https was expected has no certificate to complain about', async () => {
  const plain = createServer((_req, res) => res.end()).listen(0, '127.0.0.1');
  await new Promise((resolve) => plain.once('listening', resolve));
  try {
    const issuer = `https://127.0.0.1:${(plain.address() as AddressInfo).port}`;
    const lines = await examineAt(issuer, `http://127.0.0.1:${await freePort()}`);
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^✗ discovery: .* does not answer \(\w+\)\. It speaks plain http where https was expected.*correct the scheme in OIDC_ISSUER, or put TLS in front of it\.$/,
      ),
    );
    expect(lines.filter((line) => /^✗ TLS/.test(line))).toEqual([]);
  } finally {
    plain.close();
  }
});
