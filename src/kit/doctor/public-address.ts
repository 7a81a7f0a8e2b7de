import { ask, connectionHint, isPlain, isTlsFault, NoAnswer } from './ask.ts';
import { type Finding, failed, ok, said, warning } from './finding.ts';
import type { Subject } from './subject.ts';

/** Do base address, cookies and proxy fit together? */
export async function checkPublicAddress(config: Subject): Promise<Finding[]> {
  return [checkProxy(config), ...(await checkAnswer(config))];
}

function checkProxy({ secure, trustProxyHops, baseUrl }: Subject): Finding {
  if (secure && trustProxyHops === 0) {
    return warning(
      'proxy',
      'BASE_URL is https, and this app speaks http, so a proxy must stand in front; TRUST_PROXY_HOPS says there is none.',
      'Set TRUST_PROXY_HOPS to the number of proxies: else all visitors share one rate limit.',
    );
  }
  if (!secure && trustProxyHops > 0) {
    return warning(
      'proxy',
      `TRUST_PROXY_HOPS is ${trustProxyHops}, but ${baseUrl} is on this machine.`,
      'Set it to 0 where there is no proxy in front: else anybody can pretend to be another address.',
    );
  }
  const hops = trustProxyHops === 0 ? 'none is expected' : `${trustProxyHops} expected`;
  // Nothing to compare here: a proxy's X-Forwarded-Proto decides nothing.
  return ok('proxy', `${hops}. The scheme is that of BASE_URL, whatever X-Forwarded-Proto says.`);
}

async function checkAnswer(config: Subject): Promise<Finding[]> {
  const check = 'base address';
  const { baseUrl } = config;
  try {
    const { status, body } = await ask(new URL('/healthz', baseUrl));
    if (status !== 200 || !/"status":\s*"ok"/.test(body)) return [somethingElse(baseUrl, status)];
    return [ok(check, `${baseUrl} answers.`), await checkCookies(config)];
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    const hint = connectionHint(error.code, 'BASE_URL');
    if (isPlain(error.code)) return [failed(check, `${baseUrl} does not speak TLS (${error.code}).`, hint)];
    if (isTlsFault(error.code))
      return [failed(check, `${baseUrl} has no certificate that holds (${error.code}).`, hint)];
    return [
      warning(
        check,
        `${baseUrl} does not answer (${error.code}), as is right before the app was started.`,
        hint,
      ),
    ];
  }
}

function somethingElse(baseUrl: string, status: number): Finding {
  const gateway = status >= 502 && status <= 504;
  return gateway
    ? warning(
        'base address',
        `a proxy answers at ${baseUrl}, but not this app (${status}).`,
        'Start the app, and compare its PORT with what the proxy forwards to.',
      )
    : failed(
        'base address',
        `something else answers at ${baseUrl} (${status}).`,
        'Check BASE_URL, and that the proxy forwards everything below it to this app.',
      );
}

/** Starts a sign-in as a visitor would, and looks at the cookie that comes through whatever is in front. */
async function checkCookies({ baseUrl, secure, provider }: Subject): Promise<Finding> {
  const { status, headers } = await ask(new URL('/auth/login', baseUrl), {
    accept: 'text/html',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
    'sec-fetch-site': 'none',
  });
  const check = 'cookies';
  const cookie = headers['set-cookie']?.find((line) => /^(__Host-)?login-/.test(line));
  if (status !== 302 || !cookie) {
    return warning(
      check,
      `cannot be told: a sign-in does not start there (${status}).`,
      'Look at the log of the app.',
    );
  }
  const expected = secure ? /^__Host-login-.*; ?Secure/i : /^login-/;
  if (!expected.test(cookie) || !/; ?HttpOnly/i.test(cookie)) {
    return failed(
      check,
      'come through otherwise than the app sends them.',
      'Check that the app runs with this BASE_URL, and that the proxy leaves Set-Cookie as it is.',
    );
  }
  const asked = new URL(headers.location ?? '', baseUrl).searchParams;
  if (asked.get('client_id') !== provider.clientId) {
    return failed(
      check,
      'are set by an app with another OIDC_CLIENT_ID.',
      'Start the app with the settings that you check here.',
    );
  }
  const back = asked.get('redirect_uri');
  if (back !== null && back !== `${baseUrl}/auth/callback`) {
    return failed(
      check,
      `are set by an app whose BASE_URL is ${said(new URL(back).origin)}.`,
      'Start the app with the settings that you check here.',
    );
  }
  // The app sends none for localhost, where browsers would hold every other port to it.
  const local = /(^|\.)localhost$/.test(new URL(baseUrl).hostname);
  if (secure && !local && !headers['strict-transport-security']) {
    return warning(
      check,
      'come through; Strict-Transport-Security does not.',
      'Let the proxy pass the headers of the app on.',
    );
  }
  return ok(check, `come through as ${secure ? 'Secure __Host- cookies' : 'cookies of this machine'}.`);
}
