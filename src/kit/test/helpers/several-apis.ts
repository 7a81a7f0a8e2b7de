import express, { type Express } from 'express';
import { requireAuth } from '../../guard/require-auth.ts';
import type { AnySite } from '../../site.ts';
import type { TokenRecord } from '../../store/index.ts';
import { getAccessToken, tokenState } from '../../tokens/access-token.ts';
import { fetchApi } from '../../tokens/fetch-api.ts';
import type { AppWithRoutes } from './app-with-routes.ts';
import { type Profile, plain } from './misbehaving-profiles.ts';
import { type Pair, withPair } from './misbehaving-sign-in.ts';
import type { Reply } from './misbehaving-state.ts';
import { type StubApi, startStubApi } from './stub-api.ts';

type Definition = Record<string, unknown>;

/** What a site says of its APIs; the two that are there need no address, but may lie `under` a path. */
interface Definitions {
  [name: string]: Definition;
  notes: Definition;
  plans: Definition;
}

export interface SeveralApis extends Pair {
  app: AppWithRoutes;
  notes: StubApi;
  plans: StubApi;
  /** What was asked of the token endpoint, without the sign-ins: the parameters that say for what. */
  asked: Record<string, string>[];
  /**
   * What it answers to these from now on: undefined is a token for the API that is asked for, and `honest` what it would
   * have answered to a plain refresh.
   */
  answers(answer: (asked: Record<string, string>, honest: Reply) => Given | Promise<Given>): void;
  /** Calls an API as a page does; the answer's text, or the page of a failure. */
  call(name: string, path?: string): ReturnType<Pair['open']>;
  /** The token record of the only session. */
  record(): Promise<TokenRecord>;
  replaceRecord(change: (record: TokenRecord) => TokenRecord): Promise<void>;
}

type Given = Reply | 'honest' | undefined;

interface Options {
  apis: Definitions;
  env?: Record<string, string>;
  profile?: Partial<Profile>;
  /** More of the site. */
  site?: Partial<AnySite>;
  mount?: (app: Express) => void;
}

/**
 * An app with two APIs and a provider that gives each an access token which says what it is for, such as `for
 * notes.read`. Refresh tokens rotate unless the profile says otherwise, and a used one is refused.
 */
export async function withApis<T>(
  { apis, env = {}, profile, site, mount: mountMore }: Options,
  use: (at: SeveralApis) => Promise<T>,
): Promise<T> {
  const [notes, plans] = await Promise.all([startStubApi(), startStubApi()]);
  const at = (api: StubApi, { under = '', ...more }: Definition) => ({ url: `${api.url}${under}`, ...more });
  const defined = { ...apis, notes: at(notes, apis.notes), plans: at(plans, apis.plans) };
  const routes = {
    site: { apis: () => defined, ...site } as Partial<AnySite>,
    mount: (app: Express) => {
      mountCalls(app);
      mountMore?.(app);
    },
  };
  try {
    // Time passes in some of these tests.
    const settings = { SESSION_IDLE_MINUTES: '120', ...env };
    return await withPair({ op: { profile: { ...plain, ...profile } }, env: settings, routes }, (pair) =>
      use(severalApis(pair, notes, plans)),
    );
  } finally {
    await Promise.all([notes.stop(), plans.stop()]);
  }
}

function severalApis(pair: Pair, notes: StubApi, plans: StubApi): SeveralApis {
  const app = pair.app as AppWithRoutes;
  const asked: Record<string, string>[] = [];
  let answerTo: Parameters<SeveralApis['answers']>[0] = () => undefined;
  let count = 0;
  pair.op.takeOver('token', async (honest, params) => {
    const all = Object.fromEntries(params);
    if (all.grant_type === 'authorization_code') return honest;
    const { refresh_token: _used, client_id: _id, client_secret: _secret, ...what } = all;
    asked.push(what);
    const given = await answerTo(what, honest);
    const { scope, resource, audience } = what;
    const target = scope ?? resource ?? audience;
    if (given === 'honest' || (!given && target === undefined)) return honest;
    if (given || target === undefined) return given ?? honest;
    // Without an ID token, whose at_hash would be that of another access token.
    const access_token = tokenFor(target, ++count);
    pair.op.secrets.push(access_token);
    return { ...honest, json: { ...honest.json, access_token, id_token: undefined } };
  });
  const id = async () => {
    const [session] = await app.sessions.list({ iss: pair.op.issuer, sub: 'user-1' });
    if (!session) throw new Error('nobody is signed in');
    return session.id;
  };
  const record = async () => (await app.sessions.tokens.read(await id())) as TokenRecord;
  return {
    ...pair,
    ...{ app, notes, plans, asked, record },
    answers(answer) {
      answerTo = answer;
    },
    call: (name, path = '') => pair.open(`/call/${name}?path=${encodeURIComponent(path)}`),
    async replaceRecord(change) {
      await app.sessions.tokens.replace(await id(), change(await record()));
    },
  };
}

/** Says what it is for, and is long enough to be missed in a log. */
export const tokenFor = (target: string, count: number) =>
  `token-${count}-for-${target}-${'x'.repeat(20)}`.replace(/[^\w.-]/g, '-');

/** Routes that call an API by its name, by GET and as a form, and that return the access token itself. */
export function mountCalls(app: Express): void {
  app.get('/call/:api', requireAuth(), async (req, res) => {
    const answer = await fetchApi(req, req.params.api as never, String(req.query.path ?? ''));
    res.json({ status: answer.status, body: (await answer.text()).slice(0, 200) });
  });
  app.post('/call/:api', requireAuth(), express.urlencoded(), async (req, res) => {
    const init = { method: 'POST', body: String(req.body?.text ?? '') };
    const answer = await fetchApi(req, req.params.api as never, '', init);
    res.json({ status: answer.status });
  });
  app.get('/token/:api', requireAuth(), async (req, res) => {
    res.send(await getAccessToken(req, req.params.api as never));
  });
  app.get('/token', requireAuth(), async (req, res) => {
    res.send(await getAccessToken(req));
  });
  app.get('/state/:api', requireAuth(), async (req, res) => {
    res.json(await tokenState(req, req.params.api as never));
  });
}
