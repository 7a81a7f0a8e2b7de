import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { createCookies } from './cookies.ts';
import { type Fields, fillIn } from './forms.ts';
import { parseHtml } from './html.ts';
import { type Answer, createPage, markOn, refreshTarget, type TestPage } from './page.ts';
import type { Account, MemoryProvider } from './provider.ts';

export interface Visit {
  /** Left out, redirects are followed: within the app, and to the provider and back. */
  follow?: boolean;
  headers?: Readonly<Record<string, string>>;
}

export interface SignInOptions {
  /** What the provider says about them. Left out, they have a name and an email address, made of the account. */
  claims?: Readonly<Record<string, unknown>>;
  /** The page to sign in for; left out, the start page. */
  path?: string;
}

/** Somebody at a browser: it keeps cookies, follows redirects, and sends what a browser sends. */
export interface Visitor {
  /** Opens a page. */
  get(path: string, visit?: Visit): Promise<TestPage>;
  /**
   * Posts a form as a page of the app would. The mark of whose page it is (`/kit/form`) is that of the page which this
   * person saw last, unless `kit-form` is among the fields.
   */
  post(path: string, fields?: Fields, visit?: Visit): Promise<TestPage>;
  /**
   * Fills in a form of the page and presses its button.
   *
   * @param name what the button says; or the form's label, its id or the address that it posts to
   */
  submit(page: TestPage, name: string, fields?: Fields, visit?: Visit): Promise<TestPage>;
  /** Asks as a script of our pages does: no redirect is followed, and `Kit-Form` is sent along. */
  fetch(
    path: string,
    init?: { method?: string; headers?: Record<string, string>; body?: string },
  ): Promise<TestPage>;
  /** Goes to the provider and back, as `account`. Returns the page that it ends on, whatever that says. */
  signIn(account: string, options?: SignInOptions): Promise<TestPage>;
  /** Signs out here and at the provider. */
  signOut(): Promise<TestPage>;
}

/** Somebody who is signed in. */
export interface Person extends Visitor {
  /** Where the sign-in ended. */
  page: TestPage;
  /** What the provider says about them from now on; the app hears of it when it asks again. */
  setClaims(claims: Readonly<Record<string, unknown>>): void;
}

export interface Surroundings {
  /** What BASE_URL says. */
  origin: string;
  /** Where the app listens, whatever BASE_URL says. */
  port: number;
  provider: MemoryProvider;
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

/** A browser in which nobody has signed in yet. */
export function createVisitor(around: Surroundings): Visitor & Pick<Person, 'setClaims'> {
  const { origin, provider } = around;
  const cookies = createCookies();
  let account: Account | undefined;
  let mark: string | undefined;

  async function send({ method, url, from, body, headers = {} }: Step): Promise<Answer> {
    const target = new URL(url);
    const cookie = cookies.header(target.pathname);
    const answer = await exchange(around, target, method, body, {
      ...(cookie && { Cookie: cookie }),
      ...navigation,
      'Sec-Fetch-Site': from === undefined ? 'none' : from.startsWith(origin) ? 'same-origin' : 'cross-site',
      ...(from?.startsWith(origin) && { Referer: from }),
      ...(method !== 'GET' && method !== 'HEAD' && { Origin: new URL(from ?? url).origin }),
      ...headers,
    });
    for (const line of answer.headers.getSetCookie()) cookies.keep(line);
    mark = markOn(answer.body) ?? mark;
    const next = answer.headers.get('location') ?? refreshTarget(answer.headers, answer.body);
    return { ...answer, url, location: next === undefined ? undefined : new URL(next, url).href };
  }

  async function open(step: Step, { follow = true, headers }: Visit = {}): Promise<TestPage> {
    let answer = await send({ ...step, headers: { ...step.headers, ...headers } });
    let { from } = step;
    for (let hop = 0; follow && answer.location; hop++) {
      if (hop === 20) throw new Error(`${step.url} redirects without end, at last to ${answer.location}.`);
      const next = stepAfter(answer, answer.location, from);
      if (!next) break;
      from = next.from;
      answer = await send({ ...next, headers: { ...next.headers, ...headers } });
    }
    return createPage(answer, { origin, issuer: provider.issuer });
  }

  /** Undefined where a person would have to do something: sign in at the provider, or look at another site. */
  function stepAfter(answer: Answer, location: string, from: string | undefined): Step | undefined {
    const url = new URL(location);
    // A redirect belongs to what led there; a refresh is begun by the page that holds it.
    const sender = answer.headers.has('location') ? from : answer.url;
    if (url.origin === new URL(origin).origin) return { method: 'GET', url: location, from: sender };
    if (url.origin !== provider.issuer) return undefined;
    if (url.pathname === '/authorize' && !account) return undefined;
    const back = provider.visit(url, account);
    if ('signedOut' in back) account = undefined;
    // By a redirect from elsewhere, an address that somebody typed stays one that somebody typed.
    if ('location' in back) return { method: 'GET', url: back.location, from: sender && provider.issuer };
    const form = { 'Content-Type': urlEncoded };
    const body = new URLSearchParams(back.fields).toString();
    return { method: 'POST', url: back.post, from: provider.issuer, body, headers: form };
  }

  function addressOf(path: string): string {
    const url = new URL(path, origin);
    if (url.origin !== new URL(origin).origin) throw new Error(`${path} is not an address of the app.`);
    return url.href;
  }

  const visitor: Visitor & Pick<Person, 'setClaims'> = {
    get: async (path, visit) => open({ method: 'GET', url: addressOf(path) }, visit),
    async post(path, fields = {}, visit = {}) {
      const pairs = Object.entries({ ...(mark && { 'kit-form': mark }), ...fields }).flatMap(
        ([name, value]) =>
          (Array.isArray(value) ? value : [value]).map((one): [string, string] => [name, String(one)]),
      );
      const url = addressOf(path);
      const body = new URLSearchParams(pairs).toString();
      return open(
        { method: 'POST', url, from: `${origin}/`, body, headers: { 'Content-Type': urlEncoded } },
        visit,
      );
    },
    async submit(page, name, fields = {}, visit = {}) {
      const sent = fillIn(parseHtml(page.body), page.url, name, fields);
      const url = addressOf(sent.action);
      const pairs = new URLSearchParams(sent.fields);
      if (sent.method === 'GET')
        return open({ method: 'GET', url: `${url.split('?')[0]}?${pairs}`, from: page.url }, visit);
      const { body, type } = sent.multipart
        ? await multipart(sent.fields)
        : { body: `${pairs}`, type: urlEncoded };
      return open({ method: 'POST', url, from: page.url, body, headers: { 'Content-Type': type } }, visit);
    },
    async fetch(path, { method = 'GET', headers = {}, body } = {}) {
      const script = { ...scripted, ...(mark && { 'Kit-Form': mark }), ...headers };
      const step = { method: method.toUpperCase(), url: addressOf(path), from: `${origin}/`, body };
      return open({ ...step, headers: script }, { follow: false });
    },
    async signIn(name, { claims = {}, path = '/' } = {}) {
      if (!name) throw new Error('signIn needs the name of an account, such as signIn("alice").');
      account = createAccount(name, claims);
      return open({
        method: 'GET',
        url: addressOf(`/auth/login?returnTo=${encodeURIComponent(path)}&renew=1`),
      });
    },
    signOut: () => visitor.post('/auth/logout'),
    setClaims(claims) {
      if (account) account.claims = { ...account.claims, ...claims };
    },
  };
  return visitor;
}

/** Whoever signs in by a name is that person, with claims that fit. */
function createAccount(name: string, given: Readonly<Record<string, unknown>>): Account {
  const { auth_time, ...claims } = given;
  const email = /^[\w.-]+$/.test(name)
    ? { email: `${name.toLowerCase()}@example.com`, email_verified: true }
    : {};
  const usual = { sub: name, name: name.charAt(0).toUpperCase() + name.slice(1), ...email };
  const authTime = typeof auth_time === 'number' ? auth_time : Math.floor(Date.now() / 1000);
  return { claims: { ...usual, ...claims }, authTime, sid: randomUUID() };
}

const urlEncoded = 'application/x-www-form-urlencoded';

const navigation = {
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
  'Accept-Language': 'en',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Dest': 'document',
};

const scripted = { Accept: 'application/json', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' };

async function multipart(fields: [string, string][]): Promise<{ body: Buffer; type: string }> {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  const encoded = new Response(form);
  return { body: Buffer.from(await encoded.arrayBuffer()), type: encoded.headers.get('content-type') ?? '' };
}

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
