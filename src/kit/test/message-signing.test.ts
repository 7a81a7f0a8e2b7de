import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { calculateJwkThumbprint, decodeJwt, decodeProtectedHeader, exportJWK } from 'jose';
import { afterAll, test } from 'vitest';
import { expectWholeLife, watchForms, withPairOf } from './helpers/whole-life.ts';

const folder = mkdtempSync(join(tmpdir(), 'message-signing-'));
afterAll(() => rmSync(folder, { recursive: true }));

const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const sealing = generateKeyPairSync('rsa', { modulusLength: 2048 });

async function options(env: Record<string, string | undefined> = {}) {
  const file = (name: string, key: typeof signing.privateKey) => {
    const path = join(folder, name);
    writeFileSync(path, key.export({ type: 'pkcs8', format: 'pem' }));
    return path;
  };
  const [sig, enc] = await Promise.all([exportJWK(signing.publicKey), exportJWK(sealing.publicKey)]);
  return {
    client: {
      id_token_encrypted_response_alg: 'RSA-OAEP-256',
      id_token_encrypted_response_enc: 'A256GCM',
      userinfo_signed_response_alg: 'RS256',
      userinfo_encrypted_response_alg: 'RSA-OAEP-256',
      userinfo_encrypted_response_enc: 'A128CBC-HS256',
      require_signed_request_object: true,
      jwks: {
        keys: [
          { ...sig, use: 'sig', kid: await calculateJwkThumbprint(sig) },
          { ...enc, use: 'enc', kid: await calculateJwkThumbprint(enc) },
        ],
      },
    },
    env: {
      OIDC_REQUEST_OBJECT: 'true',
      OIDC_CLIENT_KEY_FILE: file('sig.pem', signing.privateKey),
      OIDC_RESPONSE_MODE: 'jwt',
      OIDC_DECRYPTION_KEY_FILE: file('enc.pem', sealing.privateKey),
      ...env,
    },
  };
}

test.each([['auto'], ['off']])('whole life with OIDC_PAR=%s', async (par) => {
  await withPairOf(await options({ OIDC_PAR: par }), async (pair) => {
    const forms = watchForms(pair.provider);
    await expectWholeLife(pair);
    for (const form of forms)
      if (form.request)
        console.log(decodeProtectedHeader(form.request), decodeJwt(form.request), Object.keys(form));
  });
});
