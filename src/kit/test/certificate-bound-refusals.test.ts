import { errors } from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { atLeast } from './helpers/app.ts';
import { createBrowser } from './helpers/browser.ts';
import { type Bound, beginTrust, callNotes, issued, mTLS, withBound } from './helpers/certificate-bound.ts';
import { makeCertificate } from './helpers/certificates.ts';
import { readCertificates } from './helpers/mutual-tls.ts';
import { headingOf } from './helpers/pair.ts';
import { openRequest, readAnswer, scripted } from './helpers/proxied.ts';
import { warningsOf } from './helpers/whole-life.ts';

// What does not work with OIDC_CERTIFICATE_BOUND_TOKENS=true, and what the log says to do about it.

let endTrust = () => {};
beforeAll(() => {
  endTrust = beginTrust();
});
afterAll(() => endTrust());

/** The hints of warnings and errors whose message or reason is this. */
function hintsOf({ app }: Pick<Bound, 'app'>, what: string): unknown[] {
  return app.lines
    .filter((line) => atLeast('warn')(line) && (line.msg === what || line.reason === what))
    .map(({ hint }) => hint);
}

const later = (minutes: number) => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + minutes * 60_000 });
  onTestFinished(() => void vi.useRealTimers());
};

const unbound = { tls_client_certificate_bound_access_tokens: false };

describe('an address for certificates in the metadata', () => {
  test.each<[what: string, name: string, value: unknown]>([
    ['by plain http', 'token_endpoint', 'http://localhost/token'],
    ['by plain http', 'userinfo_endpoint', 'http://localhost/me'],
    ['by plain http', 'revocation_endpoint', 'http://localhost/revoke'],
    ['by plain http', 'pushed_authorization_request_endpoint', 'http://localhost/par'],
    ['that is none', 'token_endpoint', '/token'],
    ['that is empty', 'token_endpoint', ''],
    ['that is a number', 'token_endpoint', 7],
    ['that is null', 'token_endpoint', null],
    ['that is a list', 'token_endpoint', ['https://localhost/token']],
    ['that is too long', 'token_endpoint', `https://localhost/${'x'.repeat(2_048)}`],
    ['that leads to a script', 'token_endpoint', 'javascript:alert(1)'],
  ])('%s is refused (%s)', async (_, name, value) => {
    const aliases = (honest: object) => ({ ...honest, [name]: value });
    await withBound({ front: { aliases } }, async (bound) => {
      expect((await createBrowser().get(bound.app.url('/profile'))).status).toBe(503);
      expect(hintsOf(bound, 'discovery_invalid')[0]).toMatch(
        new RegExp(`^mtls_endpoint_aliases\\.${name} in the provider's metadata is not an https address`),
      );
      expect(bound.provider.byAlias).toEqual([]);
    });
  });

  test.each<[what: string, aliases: unknown]>([
    ['a text', 'https://localhost/token'],
    ['a list', ['https://localhost/token']],
    ['a number', 7],
  ])('is refused where there is %s instead of an object', async (_, aliases) => {
    await withBound({ front: { aliases: () => aliases } }, async (bound) => {
      expect((await createBrowser().get(bound.app.url('/profile'))).status).toBe(503);
      expect(hintsOf(bound, 'discovery_invalid')[0]).toBe(
        "mtls_endpoint_aliases in the provider's metadata is not an object with addresses in it",
      );
    });
  });

  test('is not looked at where the app shows no certificate or does not use it', async () => {
    const aliases = () => ({ token_endpoint: 'http://localhost/token' });
    const env = { OIDC_CERTIFICATE_BOUND_TOKENS: undefined };
    await withBound({ front: { aliases }, client: unbound, env }, async (bound) => {
      expect((await bound.signIn('alice')).page.status).toBe(200);
      expect([bound.provider.byAlias, warningsOf(bound.app)]).toEqual([[], '[]']);
    });
    const unused = (honest: object) => ({ ...honest, introspection_endpoint: 'http://localhost/introspect' });
    await withBound({ front: { aliases: unused } }, async (bound) => {
      expect([(await bound.signIn('alice')).page.status, warningsOf(bound.app)]).toEqual([200, '[]']);
    });
  });
});

describe('a client certificate', () => {
  test.each([
    ['of an unknown CA', makeCertificate({ name: 'web-app' })],
    ['that has expired', issued(-1)],
  ])('%s is refused in TLS: an error page, and the log says why', async (_, own) => {
    await withBound({ clients: [own], front: { refuses: true } }, async (bound) => {
      const page = await createBrowser().get(bound.app.url('/profile'));
      expect(page.status).toBe(503);
      expect(page.body).not.toContain('OIDC_');
      expect(hintsOf(bound, 'provider_unreachable').join()).toMatch(
        /client certificate: it (?:does|may) not know the CA of OIDC_CLIENT_CERT_FILE, or the certificate has expired$/,
      );
    });
  });

  test('that TLS does not ask for does not get to the provider: the sign-in fails, and the log says why', async () => {
    await withBound({ front: { asks: false } }, async (bound) => {
      const { page } = await bound.signIn('alice');
      expect(page.status).toBe(502);
      expect(hintsOf(bound, 'token_refused')[0]).toMatch(
        /^invalid_grant: .*, or the token endpoint did not get the client certificate that tokens are to be bound to$/,
      );
    });
  });

  test('that the provider says it no longer gets ends no session: all goes on when it does again', async () => {
    let passes = true;
    const getCertificate: typeof readCertificates.getCertificate = (ctx) => {
      if (passes) return readCertificates.getCertificate(ctx);
      throw new errors.InvalidRequest('Client Certification missing for MTLS HoK Token Binding'); // As Keycloak has it.
    };
    const features = { mTLS: { ...mTLS, getCertificate } };
    await withBound({ features }, async (bound) => {
      const { browser } = await bound.signIn('alice');
      passes = false;
      later(5);
      expect(await callNotes(bound, browser)).toMatch(/^page 50/);
      expect(bound.app.events('session.ended')).toEqual([]);
      expect(bound.app.events('token.refresh_failed')).toMatchObject([
        { reason: 'client_refused', hint: expect.stringContaining('did not get the client certificate') },
      ]);
      passes = true;
      later(2);
      expect(await callNotes(bound, browser)).toBe(200);
    });
  });

  test('that userinfo alone does not get: the log names its address', async () => {
    const aliases = ({ userinfo_endpoint: _, ...others }: Record<string, unknown>) => others;
    await withBound({ front: { aliases } }, async (bound) => {
      expect((await bound.signIn('alice')).page.status).toBe(502);
      expect(bound.provider.plain).toContain('GET /me');
      expect(hintsOf(bound, 'userinfo_refused')[0]).toMatch(
        /^userinfo answered 401 .*bound to the client certificate.*userinfo_endpoint in mtls_endpoint_aliases$/,
      );
    });
  });

  test('is wanted by an API and not shown: the log names the setting', async () => {
    const env = { OIDC_CERTIFICATE_BOUND_TOKENS: undefined };
    await withBound({ env, client: unbound }, async (bound) => {
      const { browser } = await bound.signIn('alice');
      expect(await callNotes(bound, browser)).toBe('page 503');
      expect(warningsOf(bound.app)).toMatch(
        /requires a client certificate: set OIDC_CLIENT_AUTH=tls_client_auth, or with private_key_jwt OIDC_CERTIFICATE_BOUND_TOKENS=true/,
      );
    });
  });

  test('that an API’s TLS refuses: an error page, and the log names the file and the API', async () => {
    await withBound({ api: { clientCa: makeCertificate({ name: 'Others' }) } }, async (bound) => {
      const { browser } = await bound.signIn('alice');
      const page = await browser.get(bound.app.url('/call/notes'));
      expect([page.status, headingOf(page)]).toEqual([503, expect.any(String)]);
      expect(warningsOf(bound.app)).toMatch(
        /client certificate: it \w+ not know the CA of OIDC_CLIENT_CERT_FILE, .*`url` in site\.ts/,
      );
    });
  });

  test('that an API does not ask for: its 401 is handed on, and the log says what its tokens are bound to', async () => {
    await withBound({ api: { asks: false, refuses: false } }, async (bound) => {
      const { browser } = await bound.signIn('alice');
      expect(await callNotes(bound, browser)).toBe(401);
      expect(bound.app.events('token.refreshed')).toHaveLength(1);
      expect(hintsOf(bound, "the API refuses this app's access tokens")[0]).toMatch(
        /; the token is bound to the client certificate, which the API's TLS server must ask for$/,
      );
    });
  });
});

describe('what can be seen of tokens that are not bound', () => {
  const notBound = 'the provider gives access tokens that are not bound to the client certificate';
  const notOffered = "the provider's metadata does not say that it binds access tokens to certificates";

  test('in a JWT access token is logged once, and the token is used', async () => {
    await withBound({ client: unbound }, async (bound) => {
      const { browser, page } = await bound.signIn('alice');
      expect(page.status).toBe(200);
      expect(hintsOf(bound, notBound)).toHaveLength(1);
      later(5);
      await callNotes(bound, browser);
      await bound.signIn('bob');
      expect(bound.app.events('token.refreshed').length).toBeGreaterThan(0);
      expect(hintsOf(bound, notBound)).toEqual([
        expect.stringMatching(/cnf.*tls_client_certificate_bound_access_tokens/),
      ]);
      expect(hintsOf(bound, notOffered)).toEqual([]);
    });
  });

  test('in a token that comes at a refresh is logged too', async () => {
    const client = { tls_client_certificate_bound_access_tokens: true };
    await withBound({ client }, async (bound) => {
      const { browser } = await bound.signIn('alice');
      expect(hintsOf(bound, notBound)).toEqual([]);
      bound.provider.registerApp(bound.app.origin, unbound);
      later(5);
      await callNotes(bound, browser);
      expect(hintsOf(bound, notBound)).toHaveLength(1);
    });
  });

  test('in a token that comes by token exchange is logged too', async () => {
    await withBound({ as: (audience) => ({ exchange: true, audience }) }, async (bound) => {
      const { browser } = await bound.signIn('alice');
      expect(hintsOf(bound, notBound)).toEqual([]);
      await callNotes(bound, browser);
      expect(hintsOf(bound, notBound)).toHaveLength(1);
    });
  });

  test('is nothing where tokens are opaque, and nothing is said', async () => {
    await withBound({ client: unbound, opaque: true }, async (bound) => {
      expect((await bound.signIn('alice')).page.status).toBe(200);
      expect(warningsOf(bound.app)).toBe('[]');
    });
  });

  test('in the metadata is logged once', async () => {
    const features = { mTLS: { ...mTLS, certificateBoundAccessTokens: false } };
    await withBound({ features, client: { ...unbound } }, async (bound) => {
      await bound.signIn('alice');
      await bound.app.providers.all[0].load();
      expect(hintsOf(bound, notOffered)).toEqual([expect.stringContaining('OIDC_DPOP')]);
    });
    const env = { OIDC_CERTIFICATE_BOUND_TOKENS: undefined };
    await withBound({ features, client: { ...unbound }, env }, async (bound) => {
      await bound.signIn('alice');
      expect(warningsOf(bound.app)).toBe('[]');
    });
  });

  test.each(['a page', 'a script'])(
    'by plain http an API sees no certificate: logged once when %s calls it',
    async (who) => {
      await withBound({ api: { plain: true } }, async (bound) => {
        const { browser } = await bound.signIn('alice');
        const call = async () => {
          if (who === 'a page') return callNotes(bound, browser);
          const headers = { ...scripted, Cookie: `session=${browser.cookie('session')}` };
          const answer = await openRequest(bound.app.origin, { path: '/api/notes', headers });
          return (await readAnswer(answer)).status;
        };
        const what = `the API at ${bound.api.url} is called without TLS, and cannot see the certificate that access tokens are bound to`;
        expect(await call()).toBe(401);
        await call();
        expect(hintsOf(bound, what)).toEqual([expect.stringContaining("use https in the API's `url`")]);
      });
    },
  );
});
