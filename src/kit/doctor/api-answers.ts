import type { Config, ProviderConfig } from '../config/index.ts';
import { showsCertificate } from '../provider/client-authentication.ts';
import type { Api, Apis } from '../provider/index.ts';
import { type Answer, ask, connectionHint, isTlsFault, NoAnswer } from './ask.ts';
import { type Finding, failed, ok, said, warning } from './finding.ts';
import { reachedAt, wayOf } from './ways.ts';

/** What each API of a site answers to somebody without a token. It is asked once, at its own address. */
export async function checkApis(config: Config, apis: Apis): Promise<Finding[]> {
  const all = await Promise.all([...apis].map((one) => checkApi(config, one)));
  return all.flat();
}

async function checkApi(config: Config, [name, { url, providers }]: [string, Api]): Promise<Finding[]> {
  const check = `API ${name}`;
  if (!url) return [ok(check, 'is not set up: it has no `url`.')];
  const around = [...checkPlace(check, url, config)];
  const provider = config.providers.find((one) => providers.includes(one.name)) ?? config.providers[0];
  try {
    return [...around, judge(check, url, await ask(url, {}, provider), provider)];
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return [...around, unanswered(check, url, error, provider)];
  }
}

/** An address that was copied from the wrong line. */
function* checkPlace(check: string, url: URL, { providers, baseUrl }: Config): Generator<Finding> {
  const own = providers.find(({ issuer }) => new URL(issuer).origin === url.origin);
  if (own) {
    yield warning(
      check,
      `is at the address of the provider (${url.origin}).`,
      'Check its `url` in site.ts. Leave it where it is an API of the provider itself, such as the one for accounts.',
    );
  }
  if (url.origin === new URL(baseUrl).origin) {
    yield warning(
      check,
      `is at the address of this app (${url.origin}): the app would ask itself.`,
      'Check its `url` in site.ts. Leave it only where a proxy in front leads there to the API.',
    );
  }
}

function judge(check: string, url: URL, answer: Answer, provider: ProviderConfig): Finding {
  const { status, headers } = answer;
  const at = `${url.href}${wayOf(url, answer, provider)}`;
  if (status >= 500) {
    return warning(
      check,
      `${at} answers ${status}.`,
      'Look at the log of the API, or of the proxy in front of it.',
    );
  }
  if (status >= 300 && status < 400) {
    const to = URL.parse(headers.location ?? '', url)?.origin;
    return warning(
      check,
      `${at} answers with a redirect (${status})${to ? ` to ${said(to)}` : ''}. The app follows none, so that no token goes elsewhere.`,
      'Set its `url` in site.ts to where the API is. One that sends people to a sign-in page looks at cookies, not at access tokens.',
    );
  }
  if (status < 300) {
    return warning(
      check,
      `${at} answers ${status} without an access token. Is it open to everyone?`,
      'Have the API demand a token, unless this one address is meant to be public.',
    );
  }
  // Without a challenge nobody knows that it was the token (RFC 6750 §3).
  if (status === 401 && !/\b(bearer|dpop)\b/i.test(headers['www-authenticate'] ?? '')) {
    return warning(
      check,
      `${at} demands a token (401), without WWW-Authenticate: Bearer. The app then cannot know that a token was refused, and does not refresh it.`,
      'Have the API answer as RFC 6750 says; AddJwtBearer does.',
    );
  }
  return status === 401 || status === 403
    ? ok(check, `${at} demands a token (${status}).`)
    : ok(check, `${at} answers (${status}).`);
}

function unanswered(check: string, url: URL, { code, hint }: NoAnswer, provider: ProviderConfig): Finding {
  const { host } = reachedAt(url, provider);
  if (hint !== undefined) return failed(check, `there is no way to ${host} (${code}).`, hint);
  if (/ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|HANDSHAKE_FAILURE)/.test(code)) {
    return warning(
      check,
      `${host} requires a client certificate (${code}), and this check shows none.`,
      showsCertificate(provider)
        ? 'The app shows the one in OIDC_CLIENT_CERT_FILE.'
        : 'The app shows the one in OIDC_CLIENT_CERT_FILE where OIDC_CLIENT_AUTH is tls_client_auth or self_signed_tls_client_auth, or OIDC_CERTIFICATE_BOUND_TOKENS is true.',
    );
  }
  const what = connectionHint(code, `its \`url\` in site.ts`);
  return isTlsFault(code)
    ? failed(check, `the certificate of ${host} is refused (${code}).`, what)
    : failed(check, `${host} does not answer (${code}).`, what);
}
