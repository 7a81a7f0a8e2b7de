import type { RequestHandler } from 'express';
import supertest from 'supertest';
import { describe, expect, test } from 'vitest';
import { createGallery } from '../dev/gallery.ts';
import { english } from '../errors/language.ts';
import { layOutSessions } from '../pages/sessions.ts';
import type { Device } from '../sign-out/devices.ts';
import { type Element, findAll, findTags, nameOf, parseHtml, textOf } from '../testing/html.ts';
import { testFolders } from './helpers/app.ts';

// What /sessions says of each session, and what its buttons are called.

const minute = 60_000;
const hour = 60 * minute;
const limits = { idleMinutes: 30, maxHours: 8 };

function device(parts: Partial<Device> = {}): Device {
  const since = parts.since ?? new Date(Date.now() - hour);
  return {
    ...{ handle: 'a', current: false, device: 'Firefox on Linux', kind: 'computer', provider: undefined },
    ...{ place: undefined, since, lastSeen: new Date(), expires: new Date(since.getTime() + 8 * hour) },
    ...parts,
  };
}

async function printed(devices: readonly Device[], of = limits, older = 0): Promise<Element> {
  const locals = {
    ...{ lang: 'en', title: 'Where you are signed in', requestId: 'r', kitText: english.text, nav: [] },
    ...{ form: { action: undefined, values: {}, errors: {}, summary: [] }, kitForm: 'mark' },
    ...layOutSessions({ devices, older }, of, english),
  };
  const show: RequestHandler = (_req, res) => res.render('sessions', locals);
  const states = [{ name: 'page', group: 'Sessions', about: '', at: '/sessions', show }];
  const gallery = createGallery({ site: { name: 'App' }, folders: testFolders, states, development: false });
  const { text } = await supertest(gallery).get('/dev/gallery/page').expect(200);
  const [main] = findTags(parseHtml(text), 'main');
  if (!main) throw new Error('the page has no <main>');
  return main;
}

const ofClass = (element: Element, name: string) =>
  findAll(element, ({ attributes }) => (attributes.class ?? '').split(' ').includes(name));
const cards = (main: Element) => ofClass(main, 'card');
const buttons = (main: Element) => findTags(main, 'button').map(nameOf);
const headings = (main: Element) =>
  findTags(main, 'h1', 'h2', 'h3').map((each) => `${each.tag} ${textOf(each)}`);

test('a card says what it is, from where, since and until when, with which provider, and when it was used', async () => {
  const since = new Date('2026-11-26T03:57:20Z');
  const [own, other] = cards(
    await printed([
      device({ current: true }),
      device({
        ...{
          device: 'Safari on iPhone',
          kind: 'phone',
          provider: 'Contoso',
          place: 'Berlin, Germany',
          since,
        },
        ...{ lastSeen: new Date(Date.now() - 5 * minute), expires: new Date('2026-11-26T11:57:20Z') },
      }),
    ]),
  );
  if (!own || !other) throw new Error('two cards');
  expect(textOf(own)).toMatch(
    /^Firefox on Linux This browser Signed in .* UTC Active now Expires .* UTC Sign out/,
  );
  expect(textOf(other)).toMatch(
    /^Safari on iPhone Berlin, Germany Signed in 26 November 2026 at 03:57 UTC with Contoso Last seen 5 minutes ago Expires 26 November 2026 at 11:57 UTC Sign out/,
  );
  // The exact time is there too, and no script replaces it.
  const [ago] = findAll(other, ({ attributes }) => 'data-ago' in attributes);
  expect(ago?.attributes).toMatchObject({
    datetime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/),
    title: expect.stringMatching(/^\d+ \w+ \d{4} at \d\d:\d\d UTC$/),
  });
  expect(findTags(other, 'bdi').map(textOf)).toEqual(['Safari on iPhone', 'Berlin, Germany']);
});

test.each([
  ['phone', 'phone'],
  ['tablet', 'tablet'],
  ['computer', 'computer'],
  [undefined, 'unknown'],
] as const)('a device that is a %s has its icon, which nobody hears', async (kind, icon) => {
  const main = await printed([device({ current: true, kind })]);
  const [svg] = findTags(cards(main)[0] as Element, 'svg');
  expect(svg?.attributes['aria-hidden']).toBe('true');
  expect(findTags(svg as Element, 'use')[0]?.attributes.href).toBe(`#${icon}`);
  expect(findTags(main, 'symbol').map(({ attributes }) => attributes.id)).toContain(icon);
});

describe('buttons', () => {
  test('are one where there is one session', async () => {
    const main = await printed([device({ current: true })]);
    expect(buttons(main)).toEqual(['Sign out this browser']);
    expect(textOf(main)).toContain("You're not signed in anywhere else.");
    expect(textOf(main)).not.toContain('recognise');
  });

  test('for several sessions come first, then one at each', async () => {
    const main = await printed([device({ current: true }), device({ device: 'Safari on iPhone' })]);
    expect(buttons(main)).toEqual([
      'Sign out everywhere else',
      'Sign out everywhere',
      'Sign out this browser',
      expect.stringMatching(/^Sign out Safari on iPhone, signed in .* UTC$/),
    ]);
    expect(ofClass(main, 'lead').map(textOf)).toEqual([
      "Don't recognise one of these? Sign it out, then change your password.",
    ]);
  });

  test('of sessions of one minute and one kind have names of their own, as their cards have', async () => {
    const since = new Date(Math.floor((Date.now() - hour) / minute) * minute);
    const later = new Date(since.getTime() + 20_000);
    const main = await printed([
      device({ current: true, since: new Date(since.getTime() - 5 * minute) }),
      ...[later, since, since].map((each, n) => device({ handle: `h${n}`, since: each })),
      device({ handle: 'other', since, device: 'Chrome on Linux' }),
    ]);
    const names = buttons(main);
    expect(new Set(names).size).toBe(names.length);
    expect(headings(main).slice(1)).toEqual([
      'h2 Firefox on Linux',
      'h2 Other browsers',
      ...['(3)', '(1)', '(2)'].map((number) => `h3 Firefox on Linux ${number}`),
      'h3 Chrome on Linux',
    ]);
  });
});

describe('the order and the groups', () => {
  const old = new Date(Date.now() - 30 * hour);
  const many = (count: number) =>
    Array.from({ length: count }, (_, n) =>
      device({
        handle: `h${n}`,
        since: new Date(old.getTime() - n * minute),
        lastSeen: n < 5 ? new Date() : old,
      }),
    );

  test('of a hundred that began in one minute each button has a name of its own', async () => {
    const since = new Date(Date.now() - hour);
    const robots = Array.from({ length: 100 }, (_, n) =>
      device({ handle: `h${n}`, since, current: n === 0 }),
    );
    const main = await printed(robots);
    expect(cards(main)).toHaveLength(100);
    expect(new Set(buttons(main)).size).toBe(102);
  });

  test.each([
    [
      4_900,
      'There are up to 4900 more sessions, older than these. To sign them out too, sign out everywhere else.',
    ],
    [1, 'There may be 1 more session, older than these. To sign it out too, sign out everywhere else.'],
    [0, undefined],
  ])('of %i that are not shown a sentence says how many there are', async (older, sentence) => {
    const main = await printed([device({ current: true })], limits, older);
    const said = ofClass(main, 'faint').map(textOf);
    expect(said.find((each) => each.includes('older than these'))).toBe(sentence);
    // They can be signed out, though none of them is shown.
    expect(buttons(main).includes('Sign out everywhere else')).toBe(older > 0);
  });

  test('many others are those of the last day and earlier ones', async () => {
    const main = await printed([device({ current: true }), ...many(59)]);
    expect(headings(main).filter((each) => !each.includes('Firefox'))).toEqual([
      'h1 Where you are signed in',
      'h2 Other browsers, active in the last 24 hours',
      'h2 Other browsers, active earlier',
    ]);
    expect(findTags(main, 'ul').map((list) => cards(list).length)).toEqual([1, 5, 54]);
  });

  test('few are together, as are many of one day', async () => {
    for (const others of [
      many(8),
      many(8)
        .slice(0, 5)
        .flatMap((each) => [each, each]),
    ]) {
      const lists = findTags(await printed([device({ current: true }), ...others]), 'ul');
      expect(lists.map((list) => cards(list).length)).toEqual([1, others.length]);
      for (const list of lists) expect(list.attributes.role).toBe('list');
    }
  });

  test('a heading holds a name and no badge, and none is left out', async () => {
    const main = await printed([device({ current: true }), ...many(12)]);
    const levels = findTags(main, 'h1', 'h2', 'h3').map(({ tag }) => Number(tag[1]));
    levels.reduce((before, level) => {
      expect(level - before).toBeLessThanOrEqual(1);
      return level;
    }, 0);
    for (const heading of findTags(main, 'h1', 'h2', 'h3')) expect(ofClass(heading, 'badge')).toEqual([]);
    expect(ofClass(main, 'badge').map(textOf)).toEqual(['This browser']);
  });
});

test.each([
  [30, 8, "A session ends sooner if it isn't used for 30 minutes."],
  [1, 8, "A session ends sooner if it isn't used for 1 minute."],
  [60, 8, "A session ends sooner if it isn't used for 1 hour."],
  [4_320, 168, "A session ends sooner if it isn't used for 72 hours."],
  [480, 8, undefined],
])(
  'with %i idle minutes and %i hours it says when a session ends sooner',
  async (idleMinutes, maxHours, text) => {
    const main = await printed([device({ current: true })], { idleMinutes, maxHours });
    expect(ofClass(main, 'faint').map(textOf)).toEqual(text === undefined ? [] : [text]);
  },
);
