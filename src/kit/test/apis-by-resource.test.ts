import { decodeJwt } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Browser } from './helpers/browser.ts';
import { type Instances, startInstances } from './helpers/instances.ts';
import { type Pair, startPair } from './helpers/pair.ts';
import { describeWithRedis } from './helpers/redis-server.ts';
import { resourcesOf } from './helpers/resources.ts';
import { mountCalls } from './helpers/several-apis.ts';
import { type StubApi, startStubApi } from './helpers/stub-api.ts';

// Two APIs, each a resource of its own at a real provider (RFC 8707), whose refresh tokens rotate: an old one that comes
// again ends the grant there.

const resources = { notes: 'https://notes.example.com/', plans: 'https://plans.example.com/' };
const features = resourcesOf({
  [resources.notes]: 'notes.read notes.write',
  [resources.plans]: 'plans.read',
});
const accounts = [{ sub: 'alice', purpose: '', claims: { name: 'Alice Adams' } }];

const audiences = ({ tokens }: StubApi) => new Set(tokens().map((token) => decodeJwt(token).aud));
const refreshes = (requests: readonly string[]) => requests.filter((line) => line === 'POST /token').length;

let notes: StubApi;
let plans: StubApi;
beforeAll(async () => {
  [notes, plans] = await Promise.all([startStubApi(), startStubApi()]);
});
afterAll(() => Promise.all([notes?.stop(), plans?.stop()]));
afterEach(() => void vi.useRealTimers());
beforeEach(() => {
  notes.calls.length = 0;
  plans.calls.length = 0;
});

const apis = () => ({
  notes: { url: notes.url, resource: resources.notes, scope: 'notes.read' },
  plans: { url: plans.url, resource: resources.plans },
});

describe('two APIs by their resources', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({
      accounts,
      overrides: { features, scopes: ['openid', 'offline_access', 'profile', 'email', 'notes.read'] },
      parts: { apis },
      env: { OIDC_PAR: 'off' },
      routes: { mount: mountCalls },
    });
  });
  afterAll(() => pair?.stop());

  test('are each sent a token of their own, got with the refresh token, kept, and not asked for again', async () => {
    const { browser, page } = await pair.signIn('alice', '/call/notes');
    expect(page.status, page.body).toBe(200);
    const before = refreshes(pair.provider.requests);
    for (const path of ['/call/plans', '/call/notes', '/call/plans', '/call/notes']) {
      expect((await browser.get(pair.app.url(path))).status).toBe(200);
    }
    expect(refreshes(pair.provider.requests) - before).toBe(1);
    expect([...audiences(notes), ...audiences(plans)]).toEqual([resources.notes, resources.plans]);
    expect([notes.tokens().length, plans.tokens().length]).toEqual([1, 1]);
    expect(decodeJwt(notes.tokens()[0] ?? '')).toMatchObject({ scope: 'notes.read', sub: 'alice' });
  });

  test('are asked for at the sign-in, each as a resource, with the scope of those that name one', async () => {
    const { browser } = await pair.signIn('alice');
    const sentOff = await browser.get(pair.app.url('/auth/login?renew=1'), { follow: false });
    const { searchParams } = new URL(sentOff.location ?? '');
    expect(searchParams.getAll('resource')).toEqual([resources.notes, resources.plans]);
    expect(searchParams.get('scope')?.split(' ')).toContain('notes.read');
  });

  test('and the sign-in’s own token are refreshed with the newest refresh token each', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { browser } = await pair.signIn('alice', '/call/notes');
    for (let round = 0; round < 3; round++) {
      const pages = ['/call/notes', '/call/plans', '/token'].map((path) => browser.get(pair.app.url(path)));
      expect((await Promise.all(pages)).map(({ status }) => status)).toEqual([200, 200, 200]);
      vi.setSystemTime(Date.now() + 290_000);
    }
    expect([...audiences(notes), ...audiences(plans)]).toEqual([resources.notes, resources.plans]);
    expect(notes.tokens()).toHaveLength(3);
    expect(pair.app.events('session.ended')).toEqual([]);
  });
});

describeWithRedis('two APIs over two instances', () => {
  let instances: Instances;
  /** At the token endpoint, by resource. */
  const asked: string[] = [];
  let atOnce = 0;
  let mostAtOnce = 0;
  let browser: Browser;

  beforeAll(async () => {
    instances = await startInstances({
      accounts,
      overrides: { features, scopes: ['openid', 'offline_access', 'profile', 'email', 'notes.read'] },
      parts: { apis, routes: (router) => mountCalls(router as never) },
      onRequest: (line) => {
        if (line === 'POST /token') mostAtOnce = Math.max(mostAtOnce, ++atOnce);
      },
    });
    instances.provider.provider.on('grant.success', ({ oidc: { params } }: TokenContext) => {
      atOnce--;
      if (params.grant_type === 'refresh_token') asked.push(String(params.resource));
    });
    ({ browser } = await instances.signIn('alice'));
  });
  afterAll(() => instances?.stop());

  test('that many requests ask for at once: one refresh for each API, one after the other', async () => {
    const { one, two } = instances;
    const calls = Array.from({ length: 40 }, (_, at) => {
      const instance = at % 2 ? one : two;
      return browser.get(instance.url(at % 4 < 2 ? '/call/notes' : '/call/plans'));
    });
    const answers = await Promise.all(calls);
    expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200));
    expect([asked.sort(), mostAtOnce]).toEqual([[resources.notes, resources.plans], 1]);
    expect([notes.tokens().length, plans.tokens().length]).toEqual([1, 1]);
    expect([...audiences(notes), ...audiences(plans)]).toEqual([resources.notes, resources.plans]);
    expect([notes.calls.length, plans.calls.length]).toEqual([20, 20]);
    const refreshed = [one, two].flatMap((each) => each.events('token.refreshed'));
    expect(refreshed.map(({ api }) => api).sort()).toEqual(['notes', 'plans']);
  });

  test('stand sealed in one record of Redis', async () => {
    await browser.get(instances.one.url('/call/notes'));
    await browser.get(instances.one.url('/call/plans'));
    const keys = (await instances.redis.run('KEYS', '*')) as string[];
    expect(keys.filter((key) => key.startsWith('app:tokens:'))).toHaveLength(1);
    const [id] = (await instances.two.sessions.list({ iss: instances.provider.issuer, sub: 'alice' })) as {
      id: string;
    }[];
    const record = await instances.two.sessions.tokens.read(id?.id ?? '');
    expect(Object.keys(record?.apis ?? {}).sort()).toEqual(['notes', 'plans']);
    const stored = await Promise.all(
      keys.filter((key) => /^app:(session|tokens)/.test(key)).map((key) => instances.redis.run('GET', key)),
    );
    for (const token of [...notes.tokens(), ...plans.tokens(), resources.notes]) {
      expect(stored.join('\n')).not.toContain(token.slice(0, 20));
    }
  });

  test('cost a call nothing but one reading of the session and one of the tokens while they are valid', async () => {
    await browser.get(instances.one.url('/call/notes'));
    const commands = await instances.redis.monitor(async () => {
      await browser.get(instances.one.url('/call/notes'));
    });
    expect(commands).toEqual([
      expect.stringMatching(/^"GETEX" "app:session:/),
      expect.stringMatching(/^"GET" "app:tokens:/),
    ]);
  });
});

interface TokenContext {
  oidc: { params: Record<string, string | undefined> };
}
