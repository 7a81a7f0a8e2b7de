import { readRoles } from '../session/roles.ts';
import { withRoles } from './accounts.ts';
import { providerNamed, rolesClaimOf, signInAddress } from './app-provider.ts';
import { createBrowser, type Surroundings, urlEncoded } from './browser.ts';
import type { Fields } from './fields.ts';
import { fillIn } from './forms.ts';
import { parseHtml } from './html.ts';
import type { TestPage } from './page.ts';
import { createSteering, type SignedInAs, type Steering } from './steering.ts';

export interface Visit {
  /** Left out, redirects are followed: within the app, and to a provider and back. */
  follow?: boolean;
  headers?: Readonly<Record<string, string>>;
}

export interface SignInOptions<Provider extends string = string> {
  /** Where they sign in, by its name in OIDC_PROVIDERS; left out, the first. The same account at another is another user. */
  provider?: Provider;
  /** What the provider says about them. Left out, they have a name and an email address, made of the account. */
  claims?: Readonly<Record<string, unknown>>;
  /** Their roles, in the claim that the OIDC_ROLES_CLAIM of their provider names. */
  roles?: readonly string[];
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
  fetch(path: string, init?: FetchInit): Promise<TestPage>;
  /** Goes to a provider and back, as `account`. Returns the page that it ends on, whatever that says. */
  signIn(account: string, options?: SignInOptions): Promise<TestPage>;
  /** Signs out here and at the provider. */
  signOut(): Promise<TestPage>;
}

export interface FetchInit {
  /** Left out, GET; with `json`, POST. */
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  /** Sent as JSON. */
  json?: unknown;
}

/** Somebody who is signed in, in one browser. Signing in the same account again is the same person in another one. */
export interface Person extends Visitor, Steering {
  /** Where the sign-in ended. */
  page: TestPage;
}

/**
 * A browser in which nobody has signed in yet.
 *
 * @param always headers that it sends with every request
 */
export function createVisitor(
  around: Surroundings,
  always: Readonly<Record<string, string>> = {},
): Visitor & Steering {
  const { origin, providers } = around;
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

  let account: SignedInAs | undefined;
  const steering = createSteering(around, {
    sessionId: browser.sessionId,
    account() {
      if (account !== undefined) return account;
      throw new Error('Nobody has signed in in this browser yet.');
    },
  });

  const visitor: Visitor & Steering = {
    ...steering,
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
      const sent = fillIn(parseHtml(page.body), page, name, fields);
      const url = addressOf(sent.action);
      if (sent.method === 'GET') {
        return get(`${url.split('?')[0]}?${encode(sent.fields).body}`, page.url, visit);
      }
      const form = sent.multipart ? await encodeMultipart(sent.fields) : encode(sent.fields);
      return post(url, page.url, form, visit);
    },
    async fetch(path, { method, headers = {}, body, json } = {}) {
      if (json !== undefined && body !== undefined)
        throw new TypeError('fetch takes `json` or `body`, not both.');
      const mark = browser.mark && { 'Kit-Form': browser.mark };
      const type = json !== undefined && { 'Content-Type': 'application/json' };
      const step = {
        method: (method ?? (json === undefined ? 'GET' : 'POST')).toUpperCase(),
        url: addressOf(path),
        from: home,
        body: json === undefined ? body : JSON.stringify(json),
        headers: { ...scripted, ...mark, ...type, ...headers },
      };
      return browser.open(step, { follow: false });
    },
    async signIn(name, { provider: at, claims = {}, roles, path = '/' } = {}) {
      if (typeof name !== 'string' || name === '')
        throw new Error('signIn needs the name of an account, such as signIn("alice").');
      const provider = providerNamed(providers, at, 'signIn');
      const said = roles === undefined ? claims : claimsWith(claims, rolesClaimOf(provider), roles);
      account = { provider, name };
      browser.signInAt(provider, provider.accounts.signIn(name, said));
      return get(addressOf(signInAddress(provider, path)));
    },
    signOut: () => visitor.post('/auth/logout'),
  };
  return visitor;
}

/** @param claim what OIDC_ROLES_CLAIM says */
function claimsWith(claims: Claims, claim: string, roles: readonly string[]): Claims {
  if (readRoles({ ...claims }, claim).length === 0) return withRoles(claims, claim, roles);
  throw new Error(`signIn takes the roles by \`roles\` or by the claim ${claim}, not by both.`);
}

type Claims = NonNullable<SignInOptions['claims']>;

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
