import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type BoundApi, startBoundApi } from './helpers/bound-api.ts';
import {
  authority,
  beginTrust,
  boundClient,
  boundEnv,
  callNotes,
  issued,
  mTLS,
  server,
} from './helpers/certificate-bound.ts';
import { thumbprintOf, thumbprintShown } from './helpers/mutual-tls.ts';
import { mountCalls } from './helpers/several-apis.ts';
import { type Name, startTwoProviders, type TwoProviders } from './helpers/two-providers.ts';

// With several providers each has a certificate of its own, or none. TLS asks for one everywhere here: what the app shows is
// what its settings say for that provider, and for the APIs that take its tokens.

let two: TwoProviders;
let apis: Record<Name, BoundApi>;
const own = issued();
const shown: Record<Name, (string | undefined)[]> = { work: [], google: [] };
const answers = {
  work: Promise.withResolvers<RequestListener>(),
  google: Promise.withResolvers<RequestListener>(),
};
const fronts: Server[] = [];

/** Where the app reaches a provider: whatever it asks comes by TLS that asks for a certificate. */
async function startFront(name: Name): Promise<string> {
  const tls = { cert: server.cert, key: server.key, ca: [authority.cert] };
  const front = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, async (req, res) => {
    shown[name].push(thumbprintShown(req));
    (await answers[name].promise)(req, res);
  });
  fronts.push(front);
  await once(front.listen(0, 'localhost'), 'listening');
  return `https://localhost:${(front.address() as AddressInfo).port}`;
}

let endTrust = () => {};
beforeAll(async () => {
  endTrust = beginTrust();
  const asking = { server, clientCa: authority, refuses: false };
  const [work, google] = await Promise.all([startBoundApi(asking), startBoundApi(asking)]);
  apis = { work, google };
  const options = (name: Name) => ({
    tls: { cert: server.cert, key: server.key, requestCert: false },
    apis: [{ audience: apis[name].url, scope: 'notes' }],
    overrides: { features: { mTLS } },
  });
  const named = Object.entries(boundEnv([own])).map(([name, value]) => [
    name.replace('OIDC_', 'OIDC_WORK_'),
    value,
  ]);
  const internal = { work: await startFront('work'), google: await startFront('google') };
  two = await startTwoProviders({
    providers: { work: options('work'), google: options('google') },
    clients: { work: await boundClient([own]) },
    env: {
      ...Object.fromEntries(named),
      OIDC_WORK_INTERNAL_URL: internal.work,
      OIDC_GOOGLE_INTERNAL_URL: internal.google,
    },
    site: {
      apis: () => ({
        notes: { url: work.url },
        plans: { url: google.url, providers: 'google' },
      }),
    } as object,
    mount: mountCalls,
  });
  for (const name of ['work', 'google'] as const) {
    apis[name].trustKeys(two[name].jwks);
    answers[name].resolve(two[name].provider.callback());
  }
});
afterAll(async () => {
  await two?.stop();
  for (const api of Object.values(apis ?? {})) api.stop();
  for (const front of fronts) front.close().closeAllConnections();
  endTrust();
});
beforeEach(() => {
  shown.work.length = 0;
  shown.google.length = 0;
  for (const { seen } of Object.values(apis)) seen.length = 0;
});

test('the one with a certificate sees it, and so does its API', async () => {
  const { browser, page } = await two.signIn('work', 'alice');
  expect(page.status).toBe(200);
  expect(await callNotes(two, browser)).toBe(200);
  expect(shown.work.length).toBeGreaterThanOrEqual(3);
  expect(new Set(shown.work)).toEqual(new Set([thumbprintOf(own)]));
  expect(apis.work.seen).toMatchObject([{ status: 200, shown: thumbprintOf(own) }]);
  expect(apis.google.seen).toEqual([]);
});

test('the other one never does, nor does the API that takes its tokens, with anybody’s session', async () => {
  const work = await two.signIn('work', 'alice');
  const google = await two.signIn('google', 'alice');
  expect(google.page.status).toBe(200);
  await google.browser.get(two.url('/call/plans'));
  expect(shown.google.length).toBeGreaterThanOrEqual(3);
  expect([...shown.google, ...apis.google.seen.map((each) => each.shown)]).toEqual([
    ...shown.google.map(() => undefined),
    ...apis.google.seen.map(() => undefined),
  ]);
  const calls = apis.google.seen.length;
  expect(calls).toBeGreaterThan(0);
  const refused = [
    await work.browser.get(two.url('/call/plans')),
    await google.browser.get(two.url('/call/notes')),
  ];
  expect(refused.map(({ status }) => status)).toEqual([403, 403]);
  expect([apis.google.seen.length, apis.work.seen]).toEqual([calls, []]);
});
