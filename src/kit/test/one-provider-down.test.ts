import express from 'express';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { health } from '../http/health.ts';
import { createAudit, createLog } from '../log/index.ts';
import { withFullNames } from '../provider/setting-names.ts';
import { createBrowser } from './helpers/browser.ts';
import { headingOf, requestIdOn } from './helpers/pair.ts';
import { choicesOn, startTwoProviders, type TwoProviders } from './helpers/two-providers.ts';

// One of several providers is away, or is set up wrong. The others go on, and the log says which it is.

describe('a provider that is away from the beginning', () => {
  let two: TwoProviders;
  beforeAll(async () => {
    two = await startTwoProviders({ env: { OIDC_GOOGLE_ISSUER: 'http://localhost:9' } });
    // Its metadata was asked for at the start.
    await two.signIn('work', 'alice');
  });
  afterAll(() => two?.stop());

  test('keeps nobody from the other', async () => {
    const { page } = await two.signIn('work', 'alice');
    expect([page.status, page.url]).toEqual([200, two.url('/profile')]);
  });

  test('is still offered, and its own sign-in is a page that names it and can be tried again', async () => {
    const browser = createBrowser();
    const chooser = await browser.get(two.url('/profile'));
    expect(choicesOn(chooser).map(({ name }) => name)).toEqual(['work', 'google']);
    const page = await browser.get(two.url('/auth/login/google?returnTo=/profile'));
    expect([page.status, page.headers.get('retry-after')]).toEqual([503, '5']);
    expect(headingOf(page)).toBe("We can't reach Google &lt;Personal&gt;");
    expect(page.body).toContain('href="/auth/login?returnTo=%2Fprofile"');
    expect(browser.cookies.filter(({ name }) => name.startsWith('login-'))).toEqual([]);
    const failed = two.app.events('sign_in.failed').at(-1);
    expect(failed).toMatchObject({ iss: 'http://localhost:9', reason: 'provider_unreachable' });
    expect(failed?.request_id).toBe(requestIdOn(page));
  });

  test('is named by the probe, which stays ready while there is another', async () => {
    const page = await createBrowser().get(two.url('/readyz'));
    expect([page.status, JSON.parse(page.body)]).toEqual([
      200,
      { status: 'ok', checks: { store: true, work: true, google: false, stopping: false } },
    ]);
  });
});

describe('the probe', () => {
  const ask = async (providers: Record<string, boolean>, store = async () => {}) => {
    const { readyz } = health({ store, providers: () => providers, stopping: () => false });
    const server = express().get('/readyz', readyz).listen(0, '127.0.0.1');
    const { status, body } = await supertest(server).get('/readyz');
    server.close();
    return [status, body.checks];
  };

  test('is not ready where no provider was ever there', async () => {
    const providers = { work: false, google: false };
    expect(await ask(providers)).toEqual([503, { store: true, ...providers, stopping: false }]);
  });

  test('keeps its own checks apart from providers that are called like them', async () => {
    expect(await ask({ store: false, stopping: true, work: false })).toEqual([
      200,
      { store: true, 'provider-store': false, 'provider-stopping': true, work: false, stopping: false },
    ]);
    const away = () => Promise.reject(new Error('away'));
    expect(await ask({ store: true }, away)).toEqual([
      503,
      { store: false, 'provider-store': true, stopping: false },
    ]);
  });
});

describe('a hint names the settings in full', () => {
  let two: TwoProviders;
  beforeAll(async () => {
    two = await startTwoProviders({
      env: { OIDC_GOOGLE_ID_TOKEN_ALG: 'ES256' },
    });
  });
  afterAll(() => two?.stop());

  test('of the provider, in the audit event, with its secrets left out', async () => {
    const { page } = await two.signIn('google', 'alice');
    const failed = two.app.events('sign_in.failed').at(-1);
    expect(page.status).toBe(502);
    expect(failed).toMatchObject({ iss: two.google.issuer, reason: 'id_token_algorithm' });
    expect(failed?.hint).toContain('OIDC_GOOGLE_ID_TOKEN_ALG');
    expect(JSON.stringify(two.app.lines)).not.toMatch(/\bOIDC_ID_TOKEN_ALG\b/);
    // Nothing of that is for the person.
    expect(page.body).not.toContain('OIDC_');
  });
});

test('a hint names a setting that is shared by its plain name', async () => {
  const two = await startTwoProviders({
    env: { OIDC_ID_TOKEN_ALG: 'ES256', OIDC_WORK_ID_TOKEN_ALG: 'RS256' },
  });
  try {
    await two.signIn('google', 'alice');
    expect(two.app.events('sign_in.failed').at(-1)?.hint).toMatch(/\bOIDC_ID_TOKEN_ALG\b/);
    expect((await two.signIn('work', 'alice')).page.status).toBe(200);
  } finally {
    await two.stop();
  }
});

test('a log line of one provider leaves out secrets and names its settings', async () => {
  const two = await startTwoProviders({
    env: { OIDC_GOOGLE_CLIENT_SECRET: 'quite another secret of the client', OIDC_PAR: 'off' },
  });
  try {
    const { page } = await two.signIn('google', 'alice');
    expect([page.status, headingOf(page)]).toEqual([502, expect.stringMatching(/ isn't set up correctly$/)]);
    const hints = two.app.lines.flatMap(({ hint }) => (typeof hint === 'string' ? [hint] : []));
    expect(hints.join('\n')).toContain('OIDC_GOOGLE_CLIENT_AUTH');
    expect(hints.join('\n')).not.toMatch(/\bOIDC_CLIENT_/);
  } finally {
    // Looks through the log for secrets.
    await two.stop();
  }
});

test('a log of one provider names its settings and leaves out what is secret, as the log of the app does', () => {
  const lines: Record<string, unknown>[] = [];
  const log = createLog('info', { write: (line) => void lines.push(JSON.parse(line)) });
  const inFull = (text: string) => text.replaceAll('OIDC_', 'OIDC_WORK_');
  const audit = createAudit(log);
  const context = withFullNames({ named: true, inFull, label: 'Contoso' }, { log, audit });
  const error = new Error('refused', { cause: new Error('in the token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJh') });
  const detail = {
    hint: 'set OIDC_SCOPE',
    client_secret: 'canary-1',
    deep: { access_token: 'canary-2' },
    err: error,
  };
  context.log.warn(detail, 'a line');
  context.log.child({ request_id: 'x' }).warn(detail, 'a line of a request');
  context.audit('sign_in.failed', { reason: 'scope', ...detail });
  log.warn(detail, 'a line of the app');
  expect(lines.map(({ hint }) => hint)).toEqual([
    ...['set OIDC_WORK_SCOPE', 'set OIDC_WORK_SCOPE', 'set OIDC_WORK_SCOPE', 'set OIDC_SCOPE'],
  ]);
  for (const line of lines) {
    expect(line).toMatchObject({ client_secret: '[redacted]', deep: { access_token: '[redacted]' } });
    expect(line.err).toEqual(lines.at(-1)?.err);
    expect(JSON.stringify(line)).not.toMatch(/canary/);
  }
});
