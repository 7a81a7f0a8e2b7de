import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { calculateJwkThumbprint, exportJWK } from 'jose';
import { afterAll, describe, expect, test } from 'vitest';
import { checkBoundTokens } from '../doctor/bound-tokens.ts';
import { judge } from '../doctor/client-answer.ts';
import { siteFolder } from './helpers/app.ts';
import { makeCertificate } from './helpers/certificates.ts';
import { makeKeyFolder } from './helpers/doctor-keys.ts';
import { asPrinted, crosses, linesAbout, linesAt, providerOf, registered } from './helpers/doctor-real.ts';
import { type IdentityProviderOptions, startIdentityProvider } from './helpers/identity-provider.ts';
import { readCertificates, startMutualTlsProvider } from './helpers/mutual-tls.ts';
import { trustDuringTests } from './helpers/trusted.ts';
import { site } from './site/site.ts';

// What the doctor says of tokens that are bound to the certificate of a client with private_key_jwt (RFC 8705 §3).

const folder = makeKeyFolder();
const server = makeCertificate({ name: 'localhost', hosts: ['localhost'] });
const authority = makeCertificate({ name: 'Clients of this provider' });
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const issued = makeCertificate({ name: 'web-app', keys, issuer: authority });
trustDuringTests(server);
afterAll(folder.remove);

const byKey = {
  OIDC_CLIENT_SECRET: undefined,
  OIDC_CLIENT_AUTH: 'private_key_jwt',
  OIDC_CLIENT_KEY_FILE: folder.write('key.pem', issued.key),
  OIDC_CLIENT_CERT_FILE: folder.write('cert.pem', issued.cert),
};
const bound = { ...byKey, OIDC_CERTIFICATE_BOUND_TOKENS: 'true' };
const mTLS = {
  ...{ enabled: true, certificateBoundAccessTokens: true },
  ...{ selfSignedTlsClientAuth: true, tlsClientAuth: true, ...readCertificates },
};
const jwk = await exportJWK(keys.publicKey);
const client = {
  token_endpoint_auth_method: 'private_key_jwt',
  client_secret: undefined as never,
  jwks: { keys: [{ ...jwk, kid: await calculateJwkThumbprint(jwk) }] },
  tls_client_certificate_bound_access_tokens: true,
} as const;
const start = (options: IdentityProviderOptions) => startMutualTlsProvider(server, authority, options);

describe('a real provider behind TLS', () => {
  test('offers them, knows the app by its key, and is shown the certificate at addresses of its own', async () => {
    const lines = await linesAt({ env: bound, start, client, overrides: { features: { mTLS } } });
    expect(linesAbout(lines, 'certificate-bound tokens', 'client authentication')).toEqual([
      '✓ client authentication: private_key_jwt is offered.',
      '✓ certificate-bound tokens: are offered.',
      '✓ certificate-bound tokens: the certificate is shown at the addresses that the metadata has for that (mtls_endpoint_aliases): token_endpoint, revocation_endpoint, pushed_authorization_request_endpoint, userinfo_endpoint.',
      // A made-up key with the certificate would fail in TLS, and say nothing about the provider.
      '✓ client authentication: private_key_jwt is accepted: the provider knows web-app.',
    ]);
    expect(registered(lines, 'client metadata')).toEqual({
      tls_client_certificate_bound_access_tokens: true,
    });
    expect(linesAbout(lines, 'client certificate', 'register as certificate')).toHaveLength(2);
    expect(crosses(lines)).toEqual([]);
  });

  test('does not offer them, and has no other addresses', async () => {
    const lines = await linesAt({ env: bound, client, tls: { cert: server.cert, key: server.key } });
    expect(linesAbout(lines, 'certificate-bound tokens')).toEqual([
      '! certificate-bound tokens: the metadata does not offer them (tls_client_certificate_bound_access_tokens), so somebody who steals a token may be able to use it. Switch them on at the provider, for this app too, or set OIDC_CERTIFICATE_BOUND_TOKENS=false.',
      '✓ certificate-bound tokens: the certificate is shown at the usual addresses: the metadata has no others for it (no mtls_endpoint_aliases).',
    ]);
  });

  test('that does not know who signed the certificate closes the connection', async () => {
    const tls = { cert: server.cert, key: server.key, ca: [makeCertificate({ name: 'Others' }).cert] };
    const asking = createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: true });
    await once(asking.listen(0, 'localhost'), 'listening');
    const token_endpoint = `https://localhost:${(asking.address() as AddressInfo).port}/token`;
    try {
      const lines = await linesAt({
        env: { ...bound, OIDC_PAR: 'off' },
        client,
        start: (options) =>
          startIdentityProvider({
            ...options,
            tls: { cert: server.cert, key: server.key },
            overrides: { discovery: { mtls_endpoint_aliases: { token_endpoint } } },
          }),
      });
      expect(linesAbout(lines, 'client authentication')).toContainEqual(
        expect.stringMatching(
          /^✗ client authentication: the token endpoint closes the connection \(\w+\), as it does where it does not trust the certificate in OIDC_CLIENT_CERT_FILE\. Have the provider trust the CA/,
        ),
      );
    } finally {
      asking.closeAllConnections();
      asking.close();
    }
  });

  test('with an API at an http address, where no certificate can be shown', async () => {
    const asking = createTlsServer({
      ...{ cert: server.cert, key: server.key, ca: [authority.cert] },
      ...{ requestCert: true, rejectUnauthorized: true },
    });
    await once(asking.listen(0, 'localhost'), 'listening');
    const secure = `https://localhost:${(asking.address() as AddressInfo).port}`;
    const apis = () => ({
      notes: { url: 'http://127.0.0.1:9' },
      orders: { url: secure },
      later: { url: undefined },
    });
    try {
      const loaded = { site: { ...site, apis }, root: siteFolder };
      const about = async (env: object) =>
        linesAbout(await linesAt({ env: { ...env }, start, client, loaded }), 'API notes', 'API orders');
      const http =
        '! API notes: is reached by plain http, where no certificate can be shown: if it checks what a token is bound to, it refuses each one. Set its `url` in site.ts to an https address.';
      const lines = await about(bound);
      expect(lines.filter((line) => line.includes('plain http'))).toEqual([http]);
      const wants =
        /^! API orders: localhost:\d+ requires a client certificate \(\w+\), and this check shows none\./;
      expect(lines).toContainEqual(
        expect.stringMatching(
          new RegExp(`${wants.source} The app shows the one in OIDC_CLIENT_CERT_FILE\\.$`),
        ),
      );
      const unbound = await about(byKey);
      expect(unbound).not.toContain(http);
      expect(unbound).toContainEqual(
        expect.stringMatching(new RegExp(`${wants.source} .*or OIDC_CERTIFICATE_BOUND_TOKENS is true\\.$`)),
      );
    } finally {
      asking.closeAllConnections();
      asking.close();
    }
  });
});

test('an answer about the certificate is one about who the app is', () => {
  const words = { state: 'refused', status: 400, description: 'The SSL certificate error' } as const;
  expect(judge(words, providerOf(bound))).toBe('refused');
  expect(judge(words, providerOf(byKey))).toBe('unclear');
});

test('what the metadata says is not looked at where tokens are not bound', () => {
  expect(asPrinted([...checkBoundTokens({}, providerOf(byKey))])).toEqual([]);
});
