import { request } from 'node:http';
import { type AppProvider, type AppProviders, providerAt } from './app-provider.ts';
import { createCookies } from './cookies.ts';
import type { Account } from './grants.ts';
import { type Answer, createPage, markOn, refreshTarget, type TestPage } from './page.ts';

/** Where a browser of a test is. */
export interface Surroundings {
  /** What BASE_URL says. */
  origin: string;
  /** Where the app listens, whatever BASE_URL says. */
  port: number;
  providers: AppProviders;
  /** Ends a session as an operator does. False: there was none. */
  endSession(id: string | undefined): Promise<boolean>;
  /** The error of a request that got no answer, in words of the test. */
  explain(error: Error): Error;
}

/** What one step sends. */
interface Step {
  method: string;
  url: string;
  /** The page it was sent from, if any. */
  from?: string | undefined;
  body?: Buffer | string | undefined;
  headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * Keeps cookies, follows redirects and sends what a browser sends.
 *
 * @param always sent with every request
 */
export function createBrowser(around: Surroundings, always: Readonly<Record<string, string>>) {
  const { origin, providers } = around;
  const cookies = createCookies();
  /** Who is signed in at which provider in this browser. */
  const accounts = new Map<AppProvider, Account>();

  async function send({ method, url, from, body, headers = {} }: Step): Promise<Answer> {
    const target = new URL(url);
    const cookie = cookies.header(target.pathname);
    const answer = await exchange(around, target, method, body, {
      ...(cookie && { Cookie: cookie }),
      ...navigation,
      'Sec-Fetch-Site': from === undefined ? 'none' : from.startsWith(origin) ? 'same-origin' : 'cross-site',
      ...(from?.startsWith(origin) && { Referer: from }),
      ...(method !== 'GET' && method !== 'HEAD' && { Origin: new URL(from ?? url).origin }),
      ...always,
      ...headers,
    }).catch((error: Error) => {
      throw around.explain(error);
    });
    for (const line of answer.headers.getSetCookie()) cookies.keep(line);
    browser.mark = markOn(answer.body) ?? browser.mark;
    const next = answer.headers.get('location') ?? refreshTarget(answer.headers, answer.body);
    return { ...answer, url, location: next === undefined ? undefined : new URL(next, url).href };
  }

  /** Undefined where a person would have to do something: sign in at the provider, or look at another site. */
  function stepAfter(answer: Answer, location: string, from: string | undefined): Step | undefined {
    const url = new URL(location);
    // A redirect belongs to what led there; a refresh is begun by the page that holds it.
    const sender = answer.headers.has('location') ? from : answer.url;
    if (url.origin === origin) return { method: 'GET', url: location, from: sender };
    const provider = providerAt(providers, location);
    const account = provider && accounts.get(provider);
    if (!provider?.reach.isThere() || (url.pathname === '/authorize' && !account)) return undefined;
    const back = provider.visit(url, account);
    if ('signedOut' in back) accounts.delete(provider);
    // By a redirect from elsewhere, an address that somebody typed stays one that somebody typed.
    if ('location' in back) return { method: 'GET', url: back.location, from: sender && provider.issuer };
    const body = new URLSearchParams(back.fields).toString();
    return {
      method: 'POST',
      url: back.post,
      from: provider.issuer,
      body,
      headers: { 'Content-Type': urlEncoded },
    };
  }

  const browser = {
    signInAt: (provider: AppProvider, account: Account) => void accounts.set(provider, account),
    /** What the last page of a signed-in person had for its scripts. */
    mark: undefined as string | undefined,
    sessionId: cookies.sessionId,
    async open(
      step: Step,
      { follow, headers }: { follow: boolean; headers?: Step['headers'] },
    ): Promise<TestPage> {
      let answer = await send({ ...step, headers: { ...step.headers, ...headers } });
      let { from } = step;
      for (let hop = 0; follow && answer.location; hop++) {
        if (hop === 20) throw new Error(`${step.url} redirects without end, at last to ${answer.location}.`);
        const next = stepAfter(answer, answer.location, from);
        if (!next) break;
        from = next.from;
        answer = await send({ ...next, headers: { ...next.headers, ...headers } });
      }
      return createPage(answer, { origin, issuers: providers.map(({ issuer }) => issuer) });
    },
  };
  return browser;
}

export const urlEncoded = 'application/x-www-form-urlencoded';

const navigation = {
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language': 'en',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Dest': 'document',
};

/** By node:http: fetch would refuse to send what only a browser may say, such as Sec-Fetch-Site. */
function exchange(
  { port, origin }: Surroundings,
  target: URL,
  method: string,
  body: Buffer | string | undefined,
  headers: Record<string, string>,
): Promise<Omit<Answer, 'url' | 'location'>> {
  return new Promise((resolve, reject) => {
    const { host, pathname, search } = target;
    const forwarded = origin.startsWith('https:') ? { 'X-Forwarded-Proto': 'https' } : {};
    const options = { host: '127.0.0.1', port, method, path: pathname + search, agent: false };
    const req = request({ ...options, headers: { Host: host, ...forwarded, ...headers } }, (res) => {
      const answered = new Headers();
      for (let i = 0; i < res.rawHeaders.length; i += 2) {
        answered.append(res.rawHeaders[i] ?? '', res.rawHeaders[i + 1] ?? '');
      }
      let text = '';
      res.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: answered, body: text }));
      res.on('error', reject);
    });
    req.on('error', reject).end(body);
  });
}
