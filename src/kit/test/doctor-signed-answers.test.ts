import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import { checkSignedAnswers } from '../doctor/signed-answers.ts';
import { asPrinted, crosses, linesAbout, linesAt, providerOf } from './helpers/doctor-real.ts';
import { plainServer } from './helpers/doctor-servers.ts';
import { expectRow, stopProviders } from './helpers/doctor-table.ts';

// What the doctor says of answers to sign-ins that are signed (JARM).

afterEach(stopProviders);

const none = { enabled: false };
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });

describe('signed answers', () => {
  const jwt = { OIDC_RESPONSE_MODE: 'jwt' };
  const es256 = { ...jwt, OIDC_ID_TOKEN_ALG: 'ES256' };
  const algs = ['RS256', 'ES256'];

  test.each([['auto'], ['off']])('are tried, and opened by the app, with OIDC_PAR=%s', async (par) => {
    const lines = await linesAt({ env: { ...jwt, OIDC_PAR: par } });
    expect(linesAbout(lines, 'signed answers')).toEqual([
      '✓ signed answers: are offered and used (JARM).',
      '✓ signed answers: must come with RS256, which is offered.',
      '✓ signed answers: the provider sent one, and the app accepts it.',
    ]);
    // A code that nobody signed is still looked at.
    expect(lines).toContain(
      '✓ client authentication: client_secret_basic is accepted: the provider knows web-app.',
    );
    expect(crosses(lines)).toEqual([]);
  });

  test('by another algorithm than RS256 must be registered so', async () => {
    const client = { id_token_signed_response_alg: 'ES256', authorization_signed_response_alg: 'ES256' };
    const lines = await linesAt({ env: es256, algs, client });
    expect(linesAbout(lines, 'signed answers')).toContain(
      '✓ signed answers: must come with ES256, which is offered. Register authorization_signed_response_alg=ES256 for this app: the default is RS256, and the app refuses that.',
    );
    expect(crosses(lines)).toEqual([]);
  });

  test('by the default algorithm, where that was not registered, are found by trying one', async () => {
    const client = { id_token_signed_response_alg: 'ES256', authorization_signed_response_alg: 'RS256' };
    const lines = await linesAt({ env: es256, algs, client });
    expect(crosses(lines)).toEqual([
      '✗ signed answers: the provider sent one, and the app would refuse it: the authorization answer is signed with RS256, and OIDC_ID_TOKEN_ALG is ES256: register authorization_signed_response_alg=ES256 for this app at the provider (its default is RS256). Compare the registration of this app at the provider with OIDC_ID_TOKEN_ALG and OIDC_CLIENT_ID.',
    ]);
  });

  test('hold the reason of a refusal', async () => {
    const env = { ...jwt, OIDC_PAR: 'off', OIDC_SCOPE: 'openid email' };
    const lines = await linesAt({ env, client: { scope: 'openid' } });
    expect(crosses(lines)).toEqual([
      expect.stringMatching(/^✗ sign-in request: the provider refuses the scope email \(invalid_scope/),
    ]);
  });

  test('are not offered: without them the provider accepts the request', async () => {
    const lines = await linesAt({ env: jwt, overrides: { features: { jwtResponseModes: none } } });
    expect(crosses(lines)).toEqual([
      '✗ signed answers: are not offered (response_modes_supported has no jwt). Switch JARM on at the provider, or set OIDC_RESPONSE_MODE=query.',
      expect.stringMatching(
        /^✗ sign-in request: the provider refuses what OIDC_RESPONSE_MODE asks for \(unsupported_response_mode/,
      ),
    ]);
    expect(linesAbout(lines, 'redirect address')).toEqual([expect.stringMatching(/^✓/)]);
  });

  test.each<[what: string, answer: (clientId: string) => Promise<URLSearchParams>, line: RegExp]>([
    [
      'ignored: the answer is plain',
      async () => new URLSearchParams({ error: 'login_required' }),
      /^✗ signed answers: the provider answers without signing, although OIDC_RESPONSE_MODE=jwt asks it to\. Allow this app the response mode jwt/,
    ],
    [
      'made by a stranger',
      async (aud) => {
        const claims = { error: 'login_required', iss: 'x', aud };
        const response = await new SignJWT(claims)
          .setProtectedHeader({ alg: 'RS256' })
          .setExpirationTime('1m')
          .sign(stranger.privateKey);
        return new URLSearchParams({ response });
      },
      /^✗ signed answers: the provider sent one, and the app would refuse it: .+\. Compare the registration/,
    ],
  ])('are %s', async (_what, answer, line) => {
    await expectRow({
      server: (app) =>
        plainServer(app, {
          metadata: { response_modes_supported: ['query.jwt'] },
          authorize: async ({ params }) =>
            params.get('prompt') === 'none'
              ? { location: `${app.redirect}?${await answer(app.clientId)}` }
              : params.get('redirect_uri') === app.redirect
                ? { html: '<form>Log in</form>' }
                : { status: 400 },
        }),
      env: jwt,
      lines: [line, /^✓ signed answers: are offered and used/, /^✓ redirect address/],
      exit: 1,
    });
  });

  test.each<[what: string, metadata: object, env: object, lines: unknown[]]>([
    ['is not looked at in another response mode', {}, {}, []],
    [
      'lists nothing',
      {},
      jwt,
      [
        expect.stringMatching(
          /^! signed answers: the metadata lists no response modes, which means that jwt is not offered/,
        ),
        '✓ signed answers: must come with RS256; the metadata lists no algorithms for them.',
      ],
    ],
    [
      'lists nothing, while another algorithm than the default is set',
      {},
      es256,
      [
        expect.anything(),
        expect.stringMatching(/^✓ .*Register authorization_signed_response_alg=ES256 for this app/),
      ],
    ],
    [
      'lists another algorithm',
      { response_modes_supported: ['query', 'jwt'], authorization_signing_alg_values_supported: ['PS256'] },
      es256,
      [
        '✓ signed answers: are offered and used (JARM).',
        '✗ signed answers: must come with ES256 as ID tokens do (OIDC_ID_TOKEN_ALG), and the metadata does not list that for them. Have the provider sign the answers and the ID tokens of this app with one algorithm, of those that it lists: PS256.',
      ],
    ],
    [
      'has the other name of the algorithm (RFC 9864)',
      { response_modes_supported: ['jwt'], authorization_signing_alg_values_supported: ['EdDSA'] },
      { ...jwt, OIDC_ID_TOKEN_ALG: 'Ed25519' },
      [
        expect.anything(),
        expect.stringMatching(/^✓ signed answers: must come with Ed25519, which is offered\./),
      ],
    ],
  ])('of which the metadata %s', (_what, metadata, env, expected) => {
    const found = checkSignedAnswers({ ...metadata }, providerOf({ ...env }));
    expect(asPrinted(found)).toEqual(expected);
  });
});
