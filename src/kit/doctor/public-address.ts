import type { Config, ProviderConfig } from '../config/index.ts';
import { isMarked } from '../http/other-host.ts';
import { redirectUri } from '../provider/providers.ts';
import { type Answer, ask, connectionHint, isPlain, isTlsFault, NoAnswer } from './ask.ts';
import { checkChooser, navigation } from './chooser.ts';
import { type Finding, failed, ok, said, warning } from './finding.ts';

/** Do base address, cookies and proxy fit together? */
export async function checkPublicAddress(config: Config): Promise<Finding[]> {
  return [checkProxy(config), ...(await checkAnswer(config))];
}

function checkProxy({ secure, trustProxyHops, baseUrl }: Config): Finding {
  if (secure && trustProxyHops === 0) {
    return warning(
      'proxy',
      'BASE_URL is https, and this app speaks http, so there must be a proxy in front; TRUST_PROXY_HOPS says there is none.',
      'Set TRUST_PROXY_HOPS to the number of proxies: otherwise all visitors share one rate limit.',
    );
  }
  if (!secure && trustProxyHops > 0) {
    return warning(
      'proxy',
      `TRUST_PROXY_HOPS is ${trustProxyHops}, but ${baseUrl} is on this machine.`,
      'Set it to 0 if there is no proxy in front: otherwise visitors can make up their address.',
    );
  }
  const hops = trustProxyHops === 0 ? 'none is expected' : `${trustProxyHops} expected`;
  // Nothing to compare here: a proxy's X-Forwarded-Proto decides nothing.
  return ok('proxy', `${hops}. The scheme is that of BASE_URL, whatever X-Forwarded-Proto says.`);
}

async function checkAnswer(config: Config): Promise<Finding[]> {
  const check = 'base address';
  const { baseUrl } = config;
  try {
    const { status, body } = await ask(new URL('/healthz', baseUrl));
    const alive = status === 200 && /"status":\s*"ok"/.test(body);
    const stranger = alive ? undefined : isGateway(status) ? status : await strangerAt(baseUrl);
    if (stranger !== undefined) return [somethingElse(baseUrl, stranger)];
    return [
      ok(check, `${baseUrl} answers.`),
      ...(await checkChooser(config)),
      ...(await checkCookies(config)),
    ];
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    const hint = connectionHint(error.code, 'BASE_URL');
    if (isPlain(error.code)) return [failed(check, `${baseUrl} does not speak TLS (${error.code}).`, hint)];
    if (isTlsFault(error.code))
      return [failed(check, `${baseUrl} has no valid certificate (${error.code}).`, hint)];
    // A name that nobody knows has nothing to do with whether the app runs.
    const early = /^(ENOTFOUND|EAI_AGAIN)$/.test(error.code)
      ? ''
      : ', as is expected before the app is started';
    return [warning(check, `${baseUrl} does not answer (${error.code})${early}.`, hint)];
  }
}

function isGateway(status: number): boolean {
  return status >= 502 && status <= 504;
}

/**
 * Asked where a proxy does not let the probes through, as it should not: whether scripts get an answer of ours.
 *
 * @returns the status of who else answers
 */
async function strangerAt(baseUrl: string): Promise<number | undefined> {
  const { status, headers, body } = await ask(new URL('/auth/session', baseUrl));
  const isApp =
    /^application\/problem\+json/.test(headers['content-type'] ?? '') && /"requestId":/.test(body);
  return isApp ? undefined : status;
}

function somethingElse(baseUrl: string, status: number): Finding {
  return isGateway(status)
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
async function checkCookies(config: Config): Promise<Finding[]> {
  const { baseUrl } = config;
  const started = await startAtOne(config);
  const { led } = started;
  if (led === undefined) return [cookiesOf(started, config)];
  if (led !== baseUrl) return [failed('cookies', believesIn(led), startWithThese)];
  const hidden = warning(
    'proxy',
    'does not pass on the host name that browsers send, so each sign-in takes one more redirect.',
    'Have it send Host or X-Forwarded-Host (nginx: proxy_set_header Host $host).',
  );
  return [hidden, cookiesOf(started, config)];
}

const startWithThese = 'Start the app with the settings that you check here.';
const believesIn = (origin: string) => `are set by an app whose BASE_URL is ${said(origin)}.`;

function cookiesOf({ provider, status, headers, cookie }: Started, { baseUrl, secure }: Config): Finding {
  const check = 'cookies';
  if (status !== 302 || !cookie) {
    return warning(
      check,
      `could not be checked: a sign-in does not start there (${status}).`,
      'Look at the log of the app.',
    );
  }
  const expected = secure ? /^__Host-login-.*; ?Secure/i : /^login-/;
  if (!expected.test(cookie) || !/; ?HttpOnly/i.test(cookie)) {
    return failed(
      check,
      'do not arrive as the app sends them.',
      'Check that the app runs with this BASE_URL, and that the proxy leaves Set-Cookie as it is.',
    );
  }
  const asked = new URL(headers.location ?? '', baseUrl).searchParams;
  if (asked.get('client_id') !== provider.clientId) {
    const name = provider.inFull('OIDC_CLIENT_ID');
    return failed(check, `are set by an app with another ${name}.`, startWithThese);
  }
  const back = asked.get('redirect_uri');
  if (back !== null && new URL(back).origin !== baseUrl) {
    return failed(check, believesIn(new URL(back).origin), startWithThese);
  }
  if (back !== null && back !== redirectUri(baseUrl, provider)) {
    return failed(
      check,
      `are set by an app whose answers come to ${said(new URL(back).pathname)}: its OIDC_PROVIDERS is different.`,
      startWithThese,
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

interface Started extends Answer {
  provider: ProviderConfig;
  cookie: string | undefined;
  /** The app took the name that it was asked by for another one, and led here. */
  led: string | undefined;
}

/** At the first provider that one can start at: one that is away says nothing of cookies. */
async function startAtOne(config: Config): Promise<Started> {
  const [first, ...others] = config.providers;
  const started = await startAt(first, config);
  if (started.cookie) return started;
  for (const other of others) {
    const another = await startAt(other, config);
    if (another.cookie) return another;
  }
  return started;
}

async function startAt(provider: ProviderConfig, { baseUrl }: Config): Promise<Started> {
  const path = provider.named ? `/auth/login/${provider.name}` : '/auth/login';
  const first = await ask(new URL(path, baseUrl), navigation);
  const address = first.headers.location ?? '';
  const led = isMarked(address) ? URL.parse(address)?.origin : undefined;
  const answer = led === baseUrl ? await ask(new URL(address), navigation) : first;
  const cookie = answer.headers['set-cookie']?.find((line) => /^(__Host-)?login-/.test(line));
  return { ...answer, provider, cookie, led };
}
