import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createGallery } from '../dev/gallery.ts';
import { galleryStates } from '../dev/gallery-states.ts';
import type { EndReason } from '../errors/end-reasons.ts';
import { endedText } from '../errors/ended-text.ts';
import { failurePage } from '../errors/failure-pages.ts';
import { createLanguages, english, type Language, say } from '../errors/language.ts';
import type { Message } from '../errors/message.ts';
import { plainPages } from '../errors/plain-pages.ts';
import { refusals, type SignInFailure, signInFailures } from '../errors/reasons.ts';
import { textProblems } from '../errors/text-problems.ts';
import { failureTexts } from '../errors/texts/failures.ts';
import { pageTexts } from '../errors/texts/pages.ts';
import { requestTexts } from '../errors/texts/requests.ts';
import { type SiteTexts, type TextKey, type TextName, texts } from '../errors/texts.ts';
import { preferredTag } from '../http/accept-language.ts';
import { layOut, layOutClaims, rawJson } from '../pages/claims.ts';
import { ago, dateTime } from '../pages/time.ts';
import { deviceText } from '../session/device-names.ts';
import { defineSite } from '../site.ts';
import { prepareApp, startApp, type TestApp, testFolders } from './helpers/app.ts';
import { createBrowser } from './helpers/browser.ts';
import { textOf } from './helpers/instances.ts';
import { headingOf, type Pair, startPair } from './helpers/pair.ts';

const keys = Object.keys(texts) as TextKey[];
const kit = fileURLToPath(new URL('..', import.meta.url));

/** A provider that is never asked. */
const away = {
  OIDC_ISSUER: 'http://127.0.0.1:9',
  OIDC_CLIENT_ID: 'app',
  OIDC_CLIENT_SECRET: 'not used here',
};

const allReasons: Record<EndReason, true> = {
  'signed-out': true,
  idle: true,
  expired: true,
  'other-device': true,
  provider: true,
  operator: true,
  account: true,
  'provider-session': true,
  'not-renewed': true,
  'not-admitted': true,
  'provider-changed': true,
  replaced: true,
};
const endReasons = Object.keys(allReasons) as EndReason[];
const limits = { idleMinutes: 30, maxHours: 8 };

describe('the catalogue', () => {
  /** The code and the views that may ask for a text; a few are for a site's own views. */
  const sources = globSync('**/*.{ts,ejs}', { cwd: kit })
    .filter((name) => !/^(test\b(?!\/site\/views)|errors\/texts\b)/.test(name))
    .map((name) => readFileSync(kit + name, 'utf8'))
    .join('\n');

  test('holds no text that nothing shows', () => {
    const named = new Set([...sources.matchAll(/['`]([a-z][\w-]*(?:\.[\w-]+)+)['`]/g)].map(([, key]) => key));
    const pages: Message[] = [
      ...Object.keys({ ...signInFailures, ...refusals }).map((reason) =>
        failurePage(reason as SignInFailure),
      ),
      ...Object.values(plainPages).filter((page) => 'title' in page),
      ...Object.values(plainPages.byStatus),
      plainPages.tooMany(5),
    ];
    const reached = [
      ...pages.flatMap(({ title, text }) => [title, ...text]),
      ...endReasons.map((reason) => endedText(reason, limits, 'Contoso')),
    ].map((text) => (typeof text === 'string' ? text : text.key));
    const composed =
      /^(claim\.|signed-out\.how\.(ended|revoked|still-there|unknown)$|leaving\.sign-(in|out)$|development\.(roles|scopes|claims|provider)$)/;
    const unused = keys.filter((key) => {
      const name = key.replace(/\.(one|other)$/, '');
      return !named.has(name) && !reached.includes(name as TextKey) && !composed.test(name);
    });
    expect(unused, 'take these out, or show them').toEqual([]);
  });

  test('has each text that a view asks for', () => {
    const asked = [...sources.matchAll(/page\.kitText\('([^']+)'/g)].map(([, key]) => key ?? '');
    expect(asked.length).toBeGreaterThan(25);
    for (const key of asked) expect(() => english.text(key as TextName), key).not.toThrow();
    expect(() => english.text('header.sing-out' as TextName)).toThrow('no text "header.sing-out"');
  });

  test('has one and other of each text that depends on a number, and both say the number', () => {
    for (const key of keys.filter((each) => /\.(one|other)$/.test(each))) {
      const both = ['.one', '.other'].map((ending) => key.replace(/\.(one|other)$/, ending));
      expect(keys, key).toEqual(expect.arrayContaining(both));
      expect(texts[key], key).toContain('{count}');
    }
  });
});

/** Every text is its key in brackets, with what is filled in. */
function bracketed(tag = 'de'): Language {
  return createLanguages({ [tag]: bracketedTexts() }).first;
}

function bracketedTexts(): SiteTexts[string] {
  const own = keys.map((key) => {
    const values = [...JSON.stringify(texts[key]).matchAll(/\{\w+\}/g)].join(' ');
    const text = `[${key}${values && ` ${values}`}]`;
    return [key, typeof texts[key] === 'string' ? text : [text, text]];
  });
  return Object.fromEntries(own);
}

describe('in a second language', () => {
  const language = bracketed();
  /** But those in which a site or a provider says something. */
  const states = galleryStates().filter(({ name }) => !/-why$|hostile/.test(name));
  const gallery = createGallery({
    site: { name: 'App', help: 'mailto:help@example.com', texts: { de: bracketedTexts() } },
    ...{ folders: testFolders, states, development: false },
  });
  const seen: string[] = [];

  /** What the test site's own layout says, and what is no sentence. */
  const notOurs = new RegExp(
    [
      'Skip to main content|App|Home|The end|Get help|AA|BB|(?<=\\n)(שא|WW)(?=\\n)',
      'Alice Adams|Bob Baker|(Wolfeschlegelsteinhausenbergerdorff ?)+|שירה לוי-אברהם',
      'Contoso|Google|Donau\\p{Ll}+|The Royal.*?Others&lt;/b&gt;|האוניברסיטה העברית|\\w+\\.example\\.com',
      'iss, sub, [\\w, ]+|work|admin|auditor|member|openid|profile|email|notes\\.\\w+|[\\da-f]{8}-[\\da-f-]{27}',
    ].join('|'),
    'gu',
  );

  /**
   * In the singular, which few numbers are; what takes more than 200 sessions (session-cards.test.ts has it); and what the
   * site's own pages say.
   */
  const elsewhere = /\.one$|^sessions\.more\.|^button\.sign-up$|^button\.try-again$|^signed-out\.page$/;

  const germanTimes = /\d+\. \p{L}+ \d{4} um \d\d:\d\d UTC|vor \d+ (?:Stunde|Minute|Tage)n?/gu;

  test.each(states)('$name shows no sentence but those of the language', async ({ name }) => {
    const { text: html } = await supertest(gallery).get(`/dev/gallery/${name}`);
    seen.push(html);
    expect(html).toContain('<html lang="de">');
    // A place is in the site's words, and an error in those of who threw it.
    const shown = html
      .replace(/<bdi class="faint">[^<]*<\/bdi>|<pre lang="en"[^<]*<\/pre>/g, '')
      .replace(/<(script|style)[\s\S]*?<\/\1>/g, '')
      .replace(/<[^>]*>/g, '\n');
    const inAttributes = [
      ...html.matchAll(
        /\s(?:aria-label|alt|title|placeholder|data-(?:idle|absolute|ended|stayed|failed))="([^"]*)"/g,
      ),
    ].map(([, value]) => value);
    const rest = [shown, ...inAttributes.filter((value) => value !== 'Pages')]
      .join('\n')
      .replace(/\[[^\]]*\]/g, '')
      .replace(germanTimes, '')
      .replace(notOurs, '');
    expect(rest.match(/\p{L}+/gu) ?? []).toEqual([]);
  });

  test('each text of a page and of a failure is on one of these pages', () => {
    const inGallery = Object.keys({ ...pageTexts, ...requestTexts, ...failureTexts });
    const printed = seen.join('');
    const missing = inGallery.filter((key) => !printed.includes(`[${key}`) && !elsewhere.test(key));
    expect(missing, 'add a state to src/kit/dev/gallery-states.ts').toEqual([]);
  });

  test('claims, their values and an API answer have its words', () => {
    const claims = {
      name: '',
      email_verified: true,
      roles: Array(60).fill('x'),
      own: 'y'.repeat(2_000),
      iat: 1e9,
    };
    const laid = JSON.stringify(layOutClaims(claims, language));
    for (const word of ['about-you', 'about-sign-in', 'empty', 'yes', 'shortened']) {
      expect(laid).toContain(`[claims.${word}`);
    }
    expect(laid).toContain('"[claim.email_verified]"');
    expect(laid).toContain('9. September 2001 um 01:46 UTC');
    expect(laid).not.toMatch(/Email|Yes|"text":"empty"|characters|About/);
    expect(layOut('yes', 'x', language)).toEqual({ kind: 'text', text: 'yes' });
    let deep: unknown = 1;
    for (let i = 0; i < 1_000; i++) deep = [deep];
    expect(rawJson(deep, language)).toBe('[claims.too-much]');
  });

  test('dates and spans are those of the language, and English stays what it was', () => {
    const date = new Date(Date.UTC(2026, 10, 23, 3, 57));
    expect(dateTime(date).text).toBe('23 November 2026 at 03:57 UTC');
    expect(dateTime(date, language).text).toBe('23. November 2026 um 03:57 UTC');
    expect(dateTime(date, language).iso).toBe(dateTime(date).iso);
    const hour = new Date(Date.now() - 3_600_000);
    expect([ago(hour), ago(hour, language), ago(new Date(), language)]).toEqual([
      '1 hour ago',
      'vor 1 Stunde',
      '[time.just-now]',
    ]);
    // A tag that no Node knows, and a date that is none.
    const klingon = createLanguages({ tlh: {} }).first;
    expect(dateTime(date, klingon).text).toMatch(/23 November 2026/);
    expect(() => dateTime(new Date(Number.NaN), language)).not.toThrow();
  });

  test('an English date is as Intl writes it for British readers', () => {
    const options = { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' } as const;
    const plain = new Intl.DateTimeFormat('en-GB', options);
    for (let month = 0; month < 48; month++) {
      const date = new Date(Date.UTC(2024, month, 1 + (month % 28), month % 24, month));
      const { text, iso } = dateTime(date);
      expect(text).toBe(`${plain.format(date)} UTC`);
      expect(iso).toBe(`${date.toISOString().slice(0, -8)}Z`);
    }
  });

  test('a day is written as the day of a moment, in no time zone, and so is a time of a form', () => {
    expect(dateTime('2026-11-03')).toEqual({ text: '3 November 2026', iso: '2026-11-03' });
    expect(dateTime('2026-11-03', language)).toEqual({ text: '3. November 2026', iso: '2026-11-03' });
    for (const [given, text, inGerman] of [
      ['2028-02-29', '29 February 2028', '29. Februar 2028'],
      ['2026-11-03T10:30', '3 November 2026 at 10:30', '3. November 2026 um 10:30'],
      ['2026-11-03T00:00:59', '3 November 2026 at 00:00', '3. November 2026 um 00:00'],
    ] as const) {
      expect([dateTime(given).text, dateTime(given, language).text]).toEqual([text, inGerman]);
      expect(dateTime(given).iso).toBe(given);
      expect(dateTime(new Date(`${given.slice(0, 10)}T10:30Z`)).text).toContain(text.split(' at ')[0]);
    }
    // With a zone it is a moment.
    for (const moment of ['2026-11-03T00:30+02:00', '2026-11-02T22:30:00.000Z']) {
      expect(dateTime(moment)).toEqual(dateTime(new Date(moment)));
      expect(dateTime(moment, language).text).toBe('2. November 2026 um 22:30 UTC');
    }
  });

  test.each(['', 'soon', '2026-02-31', '2026-13-01', '2026-11-03T25:00', '2026-11-03 10:30', '03/11/2026'])(
    'a text that is no day stays as it is: %j',
    (given) => {
      expect(dateTime(given, language)).toEqual({ text: given, iso: given });
    },
  );

  test('a browser and its system are said in it, as a session keeps them', () => {
    const told = [
      'Firefox on Linux',
      'Edge on an unknown system',
      'A browser on iPad',
      'An unknown browser',
      'odd',
    ];
    expect(told.map((kept) => say(deviceText(kept), language))).toEqual([
      '[device.browser-and-system Firefox Linux]',
      '[device.browser Edge]',
      '[device.system iPad]',
      '[device.unknown]',
      'odd',
    ]);
    expect(told.map((kept) => say(deviceText(kept), english))).toEqual(told);
  });
});

describe('a text', () => {
  test('that depends on a number takes the form of its language', () => {
    const polish = createLanguages({
      pl: {
        'claims.more.one': '{count} inny',
        'claims.more.few': '{count} inne',
        'claims.more.other': '{count} innych',
      },
    }).first;
    const said = [1, 2, 5, 22].map((count) => polish.text('claims.more', { count }));
    expect(said).toEqual(['1 inny', '2 inne', '5 innych', '22 inne']);
    expect(english.text('ended.idle', { count: 1 })).toMatch(/inactive for 1 minute\.$/);
    expect(english.text('ended.idle', { count: 20 })).toMatch(/inactive for 20 minutes\.$/);
  });

  test('that is left out is that of the language it is a kind of, then of the site in English, then of the kit', () => {
    const { byTag } = createLanguages({
      'de-AT': { 'button.sign-in': 'Einloggen' },
      de: { 'button.sign-in': 'Anmelden', 'button.home': 'Zur Startseite' },
      en: { 'button.cancel': 'Never mind' },
    });
    const say = byTag.get('de-at');
    expect(say?.tag).toBe('de-AT');
    const words = (['button.sign-in', 'button.home', 'button.cancel', 'button.continue'] as const).map(
      (key) => say?.text(key),
    );
    expect(words).toEqual(['Einloggen', 'Zur Startseite', 'Never mind', 'Continue']);
  });

  test('fills in what is given, once, and leaves the rest as it is', () => {
    const { first } = createLanguages({ de: { 'leaving.title': '{provider} {time} {toString}' } });
    expect(first.text('leaving.title', { provider: '{time} $& $1' })).toBe('{time} $& $1 {time} {toString}');
  });

  test('may be one paragraph or several where the English one is a list', () => {
    const { first } = createLanguages({
      de: { 'error.loop.text': 'Nur einer.', 'error.clock.text': ['Eins.', 'Zwei.', 'Drei.'] },
    });
    expect(first.paragraphs('error.loop.text')).toEqual(['Nur einer.']);
    expect(first.paragraphs('error.clock.text')).toHaveLength(3);
  });
});

describe('Accept-Language', () => {
  const tags = new Set(['en', 'de', 'pt-br', 'zh-hant']);
  test.each([
    ['de', 'de'],
    ['de-CH', 'de'],
    ['DE-ch-1996', 'de'],
    ['fr, de;q=0.5, en;q=0.7', 'en'],
    ['de;q=0.5, en;q=0.5', 'de'],
    ['pt-BR,pt;q=0.9,en;q=0.8', 'pt-br'],
    // Lookup only shortens what the browser wants (RFC 4647 §3.4).
    ['pt', undefined],
    ['zh-Hant-x-private', 'zh-hant'],
    ['de;q=0, en;q=0.1', 'en'],
    ['de;q=0', undefined],
    ['fr', undefined],
    ['*', undefined],
    ['', undefined],
    [undefined, undefined],
    // Not as the specification has it.
    ['de;q=2', undefined],
    ['de;q=', undefined],
    ['de;q=-1', undefined],
    ['de;quality=1, en;q=0.1', 'en'],
    [';;;,,,;q=1,de', 'de'],
    ['de_DE', undefined],
    ['__proto__, constructor, en', 'en'],
    ['<script>alert(1)</script>, de;q=0.1', 'de'],
  ])('%j chooses %j', (header, expected) => {
    expect(preferredTag(header, tags)).toBe(expected);
  });

  test('of any length takes no time, and only its first fifty languages count', () => {
    const started = performance.now();
    const pieces = ['de-', 'x,', ';q=0.1,', '-', 'a-b-c-d-e-f-g-h,', ' ', ';', 'q=0.0000,', 'de;q=0.1,'];
    for (const piece of pieces) preferredTag(piece.repeat(200_000), tags);
    expect(performance.now() - started).toBeLessThan(500);
    expect(preferredTag(`${'fr,'.repeat(49)}de`, tags)).toBe('de');
    expect(preferredTag(`${'fr,'.repeat(50)}de`, tags)).toBeUndefined();
  });
});

describe('a site that says things its own way', () => {
  const german = {
    'signed-out.not-signed-in': 'Sie sind nicht angemeldet',
    'button.sign-in': 'Anmelden',
    'error.not_found.title': 'Seite nicht gefunden',
    'error.not_found.text': ['Die Adresse ist falsch.', '<script>alert("text")</script>'],
    'error.other_site.title': 'Nicht von hier',
    'header.store-away': '"><img src=x onerror=alert(1)>',
  };
  const given: SiteTexts = { en: { 'signed-out.not-signed-in': 'See you' }, de: german };
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp(away, undefined, { texts: given });
  });
  afterAll(() => app?.stop());

  const get = (path: string, language?: string, more: Record<string, string> = {}) =>
    createBrowser({
      headers: { ...(language !== undefined && { 'Accept-Language': language }), ...more },
    }).get(app.url(path));

  test('replaces one sentence, and the others stay', async () => {
    const page = await get('/signed-out', 'fr');
    expect(textOf(page)).toBe('See you Sign in again Go to the home page');
    expect(page.body).toContain('<html lang="en">');
    expect(page.headers.get('vary')).toContain('Accept-Language');
  });

  test('speaks German to whoever wants it, on pages and on errors, with English where there is none', async () => {
    const page = await get('/signed-out', 'de-CH, en;q=0.8');
    expect(textOf(page)).toBe('Sie sind nicht angemeldet Sign in again Go to the home page');
    expect(page.body).toContain('<html lang="de">');
    expect(page.body).toMatch(/class="who"><a [^>]*>Anmelden</);
    const lost = await get('/nowhere', 'de');
    expect([lost.status, headingOf(lost)]).toEqual([404, 'Seite nicht gefunden']);
    expect(lost.body).toContain('<html lang="de">');
    expect(lost.headers.get('vary')).toContain('Accept-Language');
  });

  test('prints a text as text, whatever it holds', async () => {
    const { body } = await get('/nowhere', 'de');
    expect(body).toContain('&lt;script&gt;alert(&quot;text&quot;)&lt;/script&gt;');
    expect(body).not.toMatch(/<script>|<img/);
  });

  test('speaks it too where a request ends before its session is read, and to scripts', async () => {
    const from = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
    const headers = { ...from, 'Accept-Language': 'de', 'Sec-Fetch-Mode': 'navigate' };
    const refused = await createBrowser({ headers }).request('POST', app.url('/auth/logout'));
    expect([refused.status, headingOf(refused)]).toEqual([403, 'Nicht von hier']);
    const script = await get('/nowhere', 'de', { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' });
    expect(JSON.parse(script.body)).toMatchObject({ title: 'Seite nicht gefunden', status: 404 });
  });

  test('keeps its log in English', async () => {
    const before = app.lines.length;
    await get('/nowhere', 'de');
    const logged = JSON.stringify(app.lines.slice(before));
    expect(logged).toContain('not found');
    expect(logged).not.toContain('gefunden');
  });

  test.each([
    ['a list without end', `${'x-'.repeat(4_000)}de`],
    ['what is no language', '<script>, "de", {}, ../../etc'],
    ['ten thousand weights', 'de;q=0.1,'.repeat(800)],
  ])('answers in a language of its own to %s', async (_what, header) => {
    const page = await get('/signed-out', header);
    expect(page.status).toBe(200);
    expect(page.body).toMatch(/<html lang="(en|de)">/);
  });

  test('without `texts` looks at no header', async () => {
    const plain = await startApp(away);
    onTestFinished(() => plain.stop());
    const browser = createBrowser({ headers: { 'Accept-Language': 'de' } });
    const page = await browser.get(plain.url('/signed-out'));
    expect(page.body).toContain('<html lang="en">');
    expect(page.headers.get('vary') ?? '').not.toContain('Accept-Language');
  });
});

describe('a site in German alone', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({
      parts: {
        texts: {
          de: {
            'sessions.title': 'Wo Sie angemeldet sind',
            'sessions.nav': 'Sitzungen',
            'sessions.sign-out-all': 'Überall abmelden',
            'error.needed.role': 'Ihr Konto braucht die Rolle „{role}“.',
            'signed-out.title': 'Bis bald',
            'leaving.title': 'Weiter zu {provider}',
            'claim.email': 'E-Mail',
          },
        },
      },
    });
  });
  afterAll(() => pair?.stop());

  test('is in German for everybody, from the menu to the farewell', async () => {
    const english = createBrowser({ headers: { 'Accept-Language': 'en' } });
    const { browser, page: profile } = await pair.signIn('alice', '/profile', english);
    expect(profile.body).toContain('<html lang="de">');
    expect(profile.body).toContain('>E-Mail<');
    await pair.signIn('alice');
    const sessions = await browser.get(pair.app.url('/sessions'));
    expect(sessions.body).toContain('<title>Wo Sie angemeldet sind · ');
    expect(sessions.body).toMatch(/aria-current="page">Sitzungen</);
    expect(textOf(sessions)).toMatch(/ Überall abmelden .* Signed in \d+\. \p{L}+ 20\d\d um /u);
    const leaving = await browser.submit(sessions, {}, { follow: false });
    expect(headingOf(leaving)).toMatch(/^Weiter zu (127\.0\.0\.1|localhost):\d+$/);
    expect(headingOf(await browser.get(leaving.location ?? ''))).toBe('Bis bald');
  });

  test('says in German what a page needs, and logs it in English', async () => {
    const { page } = await pair.signIn('bob', '/admin');
    expect([page.status, textOf(page)]).toEqual([
      403,
      expect.stringContaining('Ihr Konto braucht die Rolle „admin“.'),
    ]);
    expect(pair.app.events('access.denied').at(-1)).toMatchObject({ reason: 'the role admin' });
  });
});

describe('the start is stopped', () => {
  test.each<[what: string, texts: unknown, sentence: RegExp]>([
    ['a list', [], /`texts` must be an object of languages/],
    ['a sentence', 'Hello', /`texts` must be an object of languages/],
    ['null', null, /`texts` must be an object of languages/],
    ['the name of a language', { german: {} }, /"german" is no language tag\. Write one such as de or pt-BR/],
    ['an underscore', { de_CH: {} }, /"de_CH" is no language tag/],
    ['a key without a language', { 'button.home': 'x' }, /"button\.home" is no language tag/],
    ['a tag with a line break', { 'de\n': {} }, /"de\\n" is no language tag/],
    ['a language twice', { 'de-at': {}, 'de-AT': {} }, /has the language "de-AT" twice/],
    ['a language of no texts', { de: 'Hallo' }, /`texts\.de` must be an object of texts by their keys/],
    [
      'a misspelt key',
      { de: { 'signed-out.titel': 'x' } },
      /no text "signed-out\.titel"\. Did you mean "signed-out\.title"\?/,
    ],
    ['a key that is none', { de: { greeting: 'x' } }, /no text "greeting"\. docs\/texts\.md lists the keys/],
    ['a name of Object', { de: { constructor: 'x' } }, /no text "constructor"/],
    ['a prototype', { de: JSON.parse('{"__proto__":"x"}') }, /no text "__proto__"/],
    ['a number', { de: { 'button.home': 5 } }, /"button\.home" must be a string that is not empty\./],
    ['nothing', { de: { 'button.home': ' ' } }, /"button\.home" must be a string that is not empty\./],
    ['undefined', { de: { 'button.home': undefined } }, /"button\.home" must be a string/],
    [
      'a list for one text',
      { de: { 'button.home': ['x'] } },
      /"button\.home" must be a string that is not empty\./,
    ],
    [
      'a list with a hole',
      { de: { 'error.loop.text': ['x', null] } },
      /a string that is not empty, or a list of such strings/,
    ],
    [
      'what is never filled in',
      { de: { 'leaving.title': '{host}' } },
      /"leaving\.title" has no \{host\} to fill in\. It may use \{provider\}/,
    ],
    [
      'braces in a text without',
      { de: { 'button.home': '{name}' } },
      /"button\.home" has no \{name\} to fill in\. Take it out/,
    ],
  ])('by %s', (_what, given, sentence) => {
    const problems = textProblems(given);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(sentence);
    expect(problems[0]).not.toMatch(/[\n\r]/);
  });

  test('with every mistake at once, and not by what is right', async () => {
    const wrong = { de: { 'button.hom': 'x', 'button.home': 1 }, en_GB: {} } as unknown as SiteTexts;
    await expect(prepareApp(away, undefined, { texts: wrong })).rejects.toMatchObject({
      problems: [
        expect.stringMatching(/^site\.ts: `texts\.de`: the kit has no text "button\.hom"/),
        expect.stringMatching(/^site\.ts: `texts\.de`: "button\.home" must be/),
        expect.stringMatching(/^site\.ts: `texts`: "en_GB" is no language tag/),
      ],
    });
    const right = { en: texts, pl: { 'claims.more.few': 'jeszcze {count}' }, 'zh-Hant': {}, 'de-1996': {} };
    expect(textProblems(right)).toEqual([]);
    expect(textProblems({})).toEqual([]);
  });

  test('the provider is called by its label exactly, and by a text of its own where nobody knows it', () => {
    const key = 'error.provider_unreachable.title';
    expect(english.text(key, { provider: 'login.example.com' })).toBe("We can't reach login.example.com");
    expect(english.text(key)).toBe("We can't reach the sign-in service");
    const de = { 'provider.unknown': 'der Dienst', [key]: 'Leider ist {provider} nicht da' };
    expect(textProblems({ de })).toEqual([]);
    expect(createLanguages({ de }).first.text(key)).toBe('Leider ist der Dienst nicht da');
    expect(textProblems({ de: { [key]: 'Nicht da' } })).toEqual([]);
  });

  test('a misspelt key does not even compile', () => {
    const pages = () => [];
    defineSite({
      name: 'A',
      pages,
      texts: { de: { 'signed-out.title': 'x', 'claims.more.many': '{count}' } },
    });
    // @ts-expect-error: there is no such key
    defineSite({ name: 'A', pages, texts: { de: { 'signed-out.titel': 'x' } } });
    // @ts-expect-error: one text, not a list
    defineSite({ name: 'A', pages, texts: { de: { 'signed-out.title': ['x'] } } });
  });
});
