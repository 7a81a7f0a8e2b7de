import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { forbidden, invalid, refuse } from '../errors/page-errors.ts';
import type { Words } from '../errors/texts.ts';
import { byLanguage } from '../pages/forms/by-language.ts';
import type { PageContext } from '../pages/page.ts';
import { siteProblems } from '../site-problems.ts';
import { startTestApp } from '../testing/index.ts';
import { createHook } from './helpers/asked.ts';
import { createBrowser } from './helpers/browser.ts';
import { textOf } from './helpers/instances.ts';
import { type Pair, startPair } from './helpers/pair.ts';
import { withRecheck } from './helpers/rechecks.ts';
import { anyPage, type SmallSite, smallSite } from './helpers/small-site.ts';

// Whatever a site says to a person it may say in several languages: `{ en: 'Taken.', de: 'Belegt.' }`.

const texts = { en: {}, de: { 'error.not_admitted.title': 'Kein Zugang' } };
const german = { headers: { 'Accept-Language': 'de-AT, en;q=0.5' } };
const closed = { en: 'Your account is closed.', de: 'Ihr Konto ist geschlossen.' };

describe('signIn in site.ts', () => {
  const hook = createHook();
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({ parts: { signIn: hook.signIn, texts } });
  });
  afterAll(() => pair?.stop());
  afterEach(() => hook.now(() => undefined));

  test('knows the language of whoever signs in', async () => {
    await pair.signIn('alice', '/profile', createBrowser(german));
    await pair.signIn('alice', '/profile', createBrowser({ headers: { 'Accept-Language': 'fr' } }));
    expect(hook.asked.map(({ language }) => language.tag)).toEqual(['de', 'en']);
    expect(hook.asked[0]?.language.text('error.not_admitted.title')).toBe('Kein Zugang');
  });

  test('refuses in that language, on a reload of the page too', async () => {
    hook.now(() => {
      throw refuse(closed);
    });
    const { page, browser } = await pair.signIn('bob', '/profile', createBrowser(german));
    expect([page.status, textOf(page)]).toEqual([403, expect.stringMatching(/^Kein Zugang Ihr Konto ist/)]);
    const again = await browser.get(pair.app.url('/auth/callback'));
    expect([again.status, textOf(again)]).toEqual([403, textOf(page)]);
    const english = await pair.signIn('bob');
    expect(textOf(english.page)).toContain(closed.en);
    expect(english.page.body + page.body).not.toMatch(/geschlossen.*is closed/s);
  });
});

describe('a recheck', () => {
  test('knows the language of the request that made it due, and refuses in that of each page', () =>
    withRecheck({ signIn: () => undefined, texts }, async ({ hook, pass, browser, app }) => {
      hook.now(() => {
        throw refuse(closed);
      });
      pass(11);
      const page = await browser.get(app.url('/who'), german);
      expect(hook.asked.at(-1)).toMatchObject({ reason: 'recheck', language: { tag: 'de' } });
      expect(textOf(page)).toMatch(/^Kein Zugang Ihr Konto ist geschlossen\./);
    }));

  test.each([undefined, closed])(
    'says that somebody has been signed out, behind the words of the site: %j',
    (why) =>
      withRecheck({ signIn: () => undefined }, async ({ hook, pass, browser, app }) => {
        hook.now(() => {
          throw refuse(why);
        });
        pass(11);
        expect(textOf(await browser.get(app.url('/who')))).toContain(
          `${why ? `${closed.en} ` : "You can't use this app "}Your account isn't allowed to use this app any more, so we signed you out.`,
        );
      }),
  );
});

/** A page at /room whose action `run` is this, and somebody who speaks German. */
async function room(
  run: (at: PageContext) => unknown,
  { form, ...more }: SmallSite & { form?: object } = {},
) {
  const page = anyPage({
    ...{ path: '/room', view: 'room', actions: { book: { form, run } } },
    model: ({ req }: PageContext) => {
      if (req.query.forbidden !== undefined) throw forbidden(closed);
    },
  });
  const views = {
    room: `<%- include('/kit/errors') %><form method="post" action="/room/book"><%- include('/kit/form') %>
<input id="day" name="day"><button>Book</button></form>`,
  };
  const app = await startTestApp(smallSite({ views, pages: [page], ...more, more: { texts, ...more.more } }));
  onTestFinished(() => app.stop());
  const heidi = await app.signIn('heidi', { path: '/room', ...german });
  return { app, heidi };
}

describe('an action', () => {
  test.each<[string, Parameters<typeof invalid>[0], string]>([
    ['by field', { day: { en: 'Taken.', de: 'Belegt.' } }, 'Belegt.'],
    ['about no field', closed, closed.de],
    ['by field, of which one is in one language', { day: 'Taken.' }, 'Taken.'],
    ['in a language that is not theirs', { fr: 'Pris.', en: 'Taken.' }, 'Pris.'],
  ])('says what is wrong %s', async (_what, mistakes, said) => {
    const run = () => {
      throw invalid(mistakes);
    };
    const { heidi } = await room(run, { form: z.object({ day: z.string().optional() }) });
    const page = await heidi.submit(heidi.page, 'Book', { day: 'x' });
    expect([page.status, page.text]).toEqual([422, expect.stringContaining(said)]);
    expect(page.text).not.toContain('is closed');
  });

  test('takes `en` and `de` for fields where its form has them', async () => {
    const run = () => {
      throw invalid({ en: 'No English.', de: 'Kein Deutsch.' });
    };
    const { heidi } = await room(run, { form: z.object({ en: z.string().optional(), de: z.string() }) });
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const answer = await heidi.fetch('/room/book', { method: 'POST', headers: type, body: 'en=a&de=b' });
    expect(answer.json()).toMatchObject({ errors: { en: 'No English.', de: 'Kein Deutsch.' }, summary: [] });
  });

  test('says that it worked', async () => {
    const { heidi } = await room(() => ({ to: '/room', say: { en: 'Booked.', de: 'Gebucht.' } }));
    expect((await heidi.submit(heidi.page, 'Book', {})).said).toBe('Gebucht.');
    const { heidi: nobody, app } = await room(() => ({ to: '/room', say: { en: 'Booked.', de: '' } }));
    expect((await nobody.submit(nobody.page, 'Book', {})).said).toBe('');
    expect(app.log.map(({ problem }) => problem)).toContain('it is not a string');
  });
});

describe('a schema', () => {
  const taken = { en: 'Say a bit more.', de: 'Schreiben Sie etwas mehr.' };
  const form = z.object({ day: z.string().min(3, byLanguage(taken)) });

  test('says what is wrong in the language of the form, an empty field included', async () => {
    const { heidi } = await room(() => '/room', { form });
    for (const day of ['x', '']) {
      const page = await heidi.submit(heidi.page, 'Book', { day });
      expect([page.status, page.text]).toEqual([422, expect.stringContaining(taken.de)]);
    }
  });

  test('of two forms at once says it in the language of each', async () => {
    const later = form.refine(async () => new Promise((resolve) => setTimeout(resolve, 50, true)));
    const { app, heidi } = await room(() => '/room', { form: later });
    const ann = await app.signIn('ann', { path: '/room' });
    const pages = await Promise.all([heidi, ann].map((by) => by.submit(by.page, 'Book', { day: 'x' })));
    expect(pages.map(({ text }) => /Schreiben|Say/.exec(text)?.[0])).toEqual(['Schreiben', 'Say']);
  });

  test('that is used elsewhere says it in English, or in the first language that there is', () => {
    const said = (words: Record<string, string>) =>
      z.string().min(3, byLanguage(words)).safeParse('x').error?.issues[0]?.message;
    expect([said(taken), said({ fr: 'Non.', de: 'Nein.' })]).toEqual([taken.en, 'Non.']);
  });

  test.each([undefined, 'x', {}, { en: '' }, { german: 'x' }, ['x']])(
    'takes words by language, not %j',
    (words) => {
      expect(() => byLanguage(words as never)).toThrow(/^byLanguage\(\) needs a sentence for each language/);
    },
  );
});

test('a page, a route and a script are refused in the language of each', async () => {
  const publicRoutes: NonNullable<SmallSite['more']>['publicRoutes'] = (router) => {
    router.post('/route', () => {
      throw invalid({ day: { en: 'Taken.', de: 'Belegt.' } });
    });
  };
  const { app, heidi } = await room(() => '/room', { more: { publicRoutes } });
  const page = await heidi.get('/room?forbidden');
  expect([page.status, page.text]).toEqual([403, expect.stringContaining(closed.de)]);
  const visitor = app.visitor(german);
  expect((await visitor.post('/route')).text).toContain('Belegt.');
  expect((await visitor.fetch('/route', { method: 'POST' })).json()).toMatchObject({
    errors: { day: 'Belegt.' },
  });
  expect((await app.post('/route')).text).toContain('Taken.');
});

test('a provider is called as the language calls it, wherever it is named', async () => {
  const labels = { 'provider.work.label': 'Firmenkonto', 'provider.nobody.label': 'Niemand' };
  const views = { home: '<p><%= page.signInWith.join() %></p>' };
  const forSocial = anyPage({ path: '/social', view: 'home', access: { providers: ['social', 'work'] } });
  const forWork = anyPage({ path: '/work', view: 'home', access: { providers: 'work' } });
  const own = { ...texts, de: { ...texts.de, ...labels } };
  const app = await startTestApp({
    ...smallSite({ views, pages: [forSocial, forWork], more: { texts: own } }),
    env: {
      ...{ OIDC_PROVIDERS: 'work,social,third' },
      ...{ OIDC_WORK_LABEL: 'Work account', OIDC_SOCIAL_LABEL: 'Google', OIDC_THIRD_LABEL: 'Third' },
    },
  });
  onTestFinished(() => app.stop());
  const [inGerman, english] = [app.visitor(german), app.visitor()];
  expect((await inGerman.get('/')).text).toBe('Firmenkonto,Google,Third');
  expect((await english.get('/')).text).toBe('Work account,Google,Third');
  expect((await inGerman.get('/auth/login')).text).toContain('Continue with Firmenkonto');
  expect((await english.get('/auth/login')).text).toContain('Continue with Work account');
  const heidi = await app.signIn('heidi', { provider: 'third', ...german });
  expect((await heidi.get('/work')).text).toContain('an account from Firmenkonto.');
  expect((await heidi.get('/social')).text).toContain('one of these: Google, Firmenkonto.');
  expect((await (await app.signIn('ann', { provider: 'third' })).get('/social')).text).toContain(
    'one of these: Google, Work account.',
  );
});

describe('the name of a site, what it is for and whom to ask', () => {
  const words = {
    name: { en: 'Rooms', de: 'Räume' },
    description: { en: 'Book a room.', de: 'Buchen Sie einen Raum.' },
    help: { en: 'https://example.com/help', de: 'https://example.com/hilfe' },
  };
  const views = { home: '<p><%= page.site.name %>: <%= page.site.description %></p>' };

  test('are printed in the language of each page and error page', async () => {
    const app = await startTestApp(smallSite({ views, more: { texts, ...words } }));
    onTestFinished(() => app.stop());
    const [english, inGerman] = [app.visitor(), app.visitor(german)];
    const home = await inGerman.get('/');
    expect([home.title, home.text]).toEqual(['Home · Räume', 'Räume: Buchen Sie einen Raum.']);
    expect(home.body).toContain('<meta name="description" content="Buchen Sie einen Raum.">');
    const lost = await inGerman.get('/nowhere');
    expect([lost.status, lost.title]).toEqual([404, 'Page not found · Räume']);
    expect(lost.body).toContain('href="https://example.com/hilfe"');
    expect((await english.get('/')).text).toBe('Rooms: Book a room.');
  });

  test('are in the only language that the site has, and in the first one without `texts`', async () => {
    for (const [given, name] of [
      [{ texts: { de: {} } }, 'Räume'],
      [{}, 'Rooms'],
    ] as const) {
      const app = await startTestApp(smallSite({ views, more: { ...words, ...given } }));
      onTestFinished(() => app.stop());
      expect((await app.get('/')).title).toBe(`Home · ${name}`);
    }
  });

  test('cannot be changed by what a model returns', async () => {
    const page = anyPage({
      ...{ path: '/echo', view: 'home', access: 'everyone' },
      model: ({ req }: PageContext) => ({ ...req.query }),
    });
    const app = await startTestApp(smallSite({ views, pages: [page], more: { texts, ...words } }));
    onTestFinished(() => app.stop());
    const echo = await app.visitor(german).get('/echo?lang=en&site=x');
    expect(echo.title).toBe('A page · Räume');
  });

  test.each<[string, Record<string, unknown>]>([
    ['name', { name: { en: '' } }],
    ['name', { name: 7 }],
    ['name', { name: { german: 'Räume' } }],
    ['description', { description: { en: 'Rooms', de: ' ' } }],
    ['help', { help: { en: 'mailto:help@example.com', de: 'javascript:alert(1)' } }],
    ['help', { help: {} }],
  ])('that are none stop the start: %s', (part, given) => {
    const site = { name: 'Rooms' as Words, pages: () => [], ...given };
    expect(siteProblems(site as never)).toEqual([expect.stringContaining(`\`${part}\``)]);
  });
});
