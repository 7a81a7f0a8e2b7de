import { randomUUID } from 'node:crypto';
import { createBrowser, type Surroundings, urlEncoded } from './browser.ts';
import { type Fields, fillIn } from './forms.ts';
import type { Account } from './grants.ts';
import { parseHtml } from './html.ts';
import type { TestPage } from './page.ts';

export interface Visit {
  /** Left out, redirects are followed: within the app, and to the provider and back. */
  follow?: boolean;
  headers?: Readonly<Record<string, string>>;
}

export interface SignInOptions {
  /** What the provider says about them. Left out, they have a name and an email address, made of the account. */
  claims?: Readonly<Record<string, unknown>>;
  /** The page to sign in for; left out, the home page. */
  path?: string;
}

export interface VisitorOptions {
  /** Headers that the browser sends with every request, such as `Accept-Language`. */
  headers?: Readonly<Record<string, string>>;
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
  /** Follows a link of the page, by what it says. */
  click(page: TestPage, name: string, visit?: Visit): Promise<TestPage>;
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

/**
 * A browser in which nobody has signed in yet.
 *
 * @param always headers that it sends with every request
 */
export function createVisitor(
  around: Surroundings,
  always: Readonly<Record<string, string>> = {},
): Visitor & Pick<Person, 'setClaims'> {
  const { origin } = around;
  const browser = createBrowser(around, always);
  const home = `${origin}/`;

  const get = (url: string, from?: string, visit: Visit = {}) =>
    browser.open({ method: 'GET', url, from }, { follow: true, ...visit });
  const post = (url: string, from: string, { body, type }: Encoded, visit: Visit) =>
    browser.open(
      { method: 'POST', url, from, body, headers: { 'Content-Type': type } },
      { follow: true, ...visit },
    );

  function addressOf(path: string): string {
    const url = new URL(path, origin);
    if (url.origin !== origin) throw new Error(`${path} is not an address of the app.`);
    return url.href;
  }

  const visitor: Visitor & Pick<Person, 'setClaims'> = {
    get: async (path, visit) => get(addressOf(path), undefined, visit),
    async post(path, fields = {}, visit = {}) {
      const { mark } = browser;
      return post(
        addressOf(path),
        home,
        encode(pairsOf({ ...(mark && { 'kit-form': mark }), ...fields })),
        visit,
      );
    },
    async click(page, name, visit) {
      const link = page.links.find((one) => one.name === name);
      if (link) return get(addressOf(new URL(link.href, page.url).href), page.url, visit);
      const names = page.links.map((one) => `"${one.name}"`).join(', ');
      throw new Error(`The page has no link "${name}". It has: ${names || 'none'}.`);
    },
    async submit(page, name, fields = {}, visit = {}) {
      const sent = fillIn(parseHtml(page.body), page.url, name, fields);
      const url = addressOf(sent.action);
      if (sent.method === 'GET') {
        return get(`${url.split('?')[0]}?${encode(sent.fields).body}`, page.url, visit);
      }
      const form = sent.multipart ? await encodeMultipart(sent.fields) : encode(sent.fields);
      return post(url, page.url, form, visit);
    },
    async fetch(path, { method = 'GET', headers = {}, body } = {}) {
      const script = { ...scripted, ...(browser.mark && { 'Kit-Form': browser.mark }), ...headers };
      const step = { method: method.toUpperCase(), url: addressOf(path), from: home, body, headers: script };
      return browser.open(step, { follow: false });
    },
    async signIn(name, { claims = {}, path = '/' } = {}) {
      if (!name) throw new Error('signIn needs the name of an account, such as signIn("alice").');
      browser.account = createAccount(name, claims);
      return get(addressOf(`/auth/login?returnTo=${encodeURIComponent(path)}&renew=1`));
    },
    signOut: () => visitor.post('/auth/logout'),
    setClaims(claims) {
      const { account } = browser;
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

const scripted = { Accept: 'application/json', 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' };

interface Encoded {
  body: Buffer | string;
  type: string;
}

function pairsOf(fields: Fields): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, String(one)]),
  );
}

function encode(fields: [string, string][]): Encoded {
  return { body: new URLSearchParams(fields).toString(), type: urlEncoded };
}

async function encodeMultipart(fields: [string, string][]): Promise<Encoded> {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  const encoded = new Response(form);
  return { body: Buffer.from(await encoded.arrayBuffer()), type: encoded.headers.get('content-type') ?? '' };
}
