import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, decodeJwt, exportJWK, SignJWT } from 'jose';
import { afterAll, expect, test } from 'vitest';
import { prepareApp } from './helpers/app.ts';
import { createBrowser } from './helpers/browser.ts';
import { settingsOf, startTwoLiars } from './helpers/confusable-providers.ts';
import { startIdentityProvider } from './helpers/identity-provider.ts';

// A client assertion that a lying provider gets, shown to an honest one (draft-ietf-oauth-rfc7523bis). Here the honest one
// even knows the same key and the same client id, which the settings refuse: only the audience is left.

const folder = mkdtempSync(join(tmpdir(), 'provider-assertions-'));
afterAll(() => rmSync(folder, { recursive: true }));
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keyFile = pemFile('key.pem', key.privateKey);

function pemFile(name: string, privateKey: KeyObject): string {
  writeFileSync(join(folder, name), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return join(folder, name);
}

const byKey = {
  ...{ OIDC_SOCIAL_CLIENT_AUTH: 'private_key_jwt', OIDC_SOCIAL_CLIENT_SECRET: undefined },
  OIDC_SOCIAL_CLIENT_KEY_FILE: keyFile,
};

test.each(['issuer', 'token_endpoint'])(
  'with the audience %s opens nothing at the other provider',
  async (audience) => {
    const taken: string[] = [];
    const two = await startTwoLiars({
      env: { ...byKey, OIDC_SOCIAL_CLIENT_ASSERTION_AUDIENCE: audience },
      social: { par: true, takesAssertion: (assertion) => taken.push(assertion) > 0 },
    });
    const clientId = two.social.clientId;
    const public_ = await exportJWK(key.publicKey);
    const kid = await calculateJwkThumbprint(public_);
    const honest = await startIdentityProvider();
    honest.addClient({
      ...{
        client_id: clientId,
        token_endpoint_auth_method: 'private_key_jwt',
        redirect_uris: [two.app.origin],
      },
      ...{
        grant_types: ['authorization_code'],
        jwks: { keys: [{ ...public_, kid, use: 'sig', alg: 'ES256' }] },
      },
    });
    const show = async (path: string, client_assertion: string) => {
      const client_assertion_type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
      const body = new URLSearchParams({
        ...{ client_id: clientId, client_assertion, client_assertion_type, grant_type: 'authorization_code' },
        ...{
          code: 'code',
          token: 'token',
          response_type: 'code',
          redirect_uri: two.app.origin,
          scope: 'openid',
        },
        ...{ code_verifier: 'v'.repeat(43), code_challenge: 'c'.repeat(43), code_challenge_method: 'S256' },
      });
      const answer = await fetch(honest.issuer + path, { method: 'POST', body });
      return [answer.status, (await answer.text()).includes('invalid_client')];
    };
    try {
      const { browser } = await two.signIn('social', createBrowser());
      await browser.post(two.app.url('/auth/logout'), {}, { follow: false });
      expect(taken, 'PAR, token, revocation').toHaveLength(3);
      for (const assertion of taken) {
        const { aud } = decodeJwt(assertion);
        expect(aud).toBe(audience === 'issuer' ? two.social.issuer : `${two.social.origin}/token`);
        for (const path of ['/token', '/request', '/token/revocation'])
          expect(await show(path, assertion), path).toEqual([401, true]);
      }
      const own = await new SignJWT({ jti: 'own' })
        .setProtectedHeader({ alg: 'ES256', kid })
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience(honest.issuer)
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(key.privateKey);
      expect(await show('/request', own), 'one that is meant for it').toEqual([201, false]);
    } finally {
      await two.stop();
      await honest.stop();
    }
  },
);

const both = {
  OIDC_PROVIDERS: 'work,social',
  ...settingsOf('work', {
    ISSUER: 'https://work.example.com',
    CLIENT_ID: 'app',
    CLIENT_AUTH: 'private_key_jwt',
  }),
  ...settingsOf('social', {
    ISSUER: 'https://social.example.com',
    CLIENT_ID: 'app',
    CLIENT_AUTH: 'private_key_jwt',
  }),
};

test('one key for two providers stops the start, in whatever file it is and beside whatever other', async () => {
  const other = pemFile('other.pem', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  const copy = pemFile('copy.pem', key.privateKey);
  const start = (ofWork: string, ofSocial: string) =>
    prepareApp({ ...both, OIDC_WORK_CLIENT_KEY_FILE: ofWork, OIDC_SOCIAL_CLIENT_KEY_FILE: ofSocial });
  await expect(start(keyFile, keyFile)).rejects.toThrow(/have a key in common/);
  await expect(start(keyFile, copy)).rejects.toThrow(/have a key in common/);
  await expect(start(keyFile, `${other},${copy}`)).rejects.toThrow(/have a key in common/);
  await start(keyFile, other);
});
