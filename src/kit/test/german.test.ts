import { readFileSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLanguages } from '../errors/language.ts';
import { textProblems } from '../errors/text-problems.ts';
import { type AllTexts, type TextKey, type Texts, texts } from '../errors/texts.ts';
import { foldersOf } from '../folders.ts';
import { startTestApp } from '../testing/index.ts';
import { german } from '../texts/de.ts';
import { smallSite } from './helpers/small-site.ts';
import { filesImportedBy, sourcesIn } from './helpers/sources.ts';

// The kit's sentences in German, which a site may take: `import { german } from '#kit/texts/de'`.

const keys = Object.keys(texts) as TextKey[];
const inOneLine = (text: string | readonly string[]) => [text].flat().join(' ');
/** `{Provider}` is `{provider}` at the start of a sentence, which may be elsewhere in another language. */
const placeholdersIn = (text: string | readonly string[]) => [
  ...new Set(
    [...inOneLine(text).matchAll(/\{\w+\}/g)].map(([name]) => name.replace('{Provider}', '{provider}')),
  ),
];

describe('the German texts', () => {
  test('are all there, each with its forms, and a site may take them', () => {
    expect(Object.keys(german).sort()).toEqual([...keys].sort());
    expect(textProblems({ de: german })).toEqual([]);
    const { first } = createLanguages({ de: german });
    const said = [1, 2].map((count) => first.text('ended.idle', { count }));
    expect(said.map((text) => /\d \w+/.exec(text)?.[0])).toEqual(['1 Minute', '2 Minuten']);
  });

  test.each(keys)('%s says the same: it fills in what the English one does, in other words', (key) => {
    const [own, english] = [german[key], texts[key]];
    expect(placeholdersIn(own).sort()).toEqual(placeholdersIn(english).sort());
    expect(Array.isArray(own)).toBe(Array.isArray(english));
    // A text of placeholders alone has no words.
    if (key !== 'claim.name' && key !== 'form.in-summary')
      expect(inOneLine(own)).not.toBe(inOneLine(english));
  });

  test.each(keys)('%s is written as German is', (key) => {
    const text = inOneLine(german[key]);
    expect(text).not.toMatch(/\b(du|dir|dich|dein\w*)\b/i);
    // But code, German quotation marks are „ and “.
    if (!key.startsWith('development.')) expect(text).not.toMatch(/["'”]/);
    expect(text.match(/„/g)?.length).toBe(text.match(/“/g)?.length);
    const ends = (sentence: string) => /[.?]$/.test(sentence);
    expect(ends(text), text).toBe(ends(inOneLine(texts[key])));
  });

  test('name a provider that nobody knows in no other case than it stands in', () => {
    const { first } = createLanguages({ de: german });
    expect(first.text('error.provider_unreachable.title')).toBe(
      'Wir können die Anmeldeseite nicht erreichen',
    );
    expect(first.text('ended.provider')).toBe('Die Anmeldeseite hat Ihre Sitzung beendet.');
    /** Where it is always known. */
    const known = /^(button\.sign-out-there|chooser\.continue|leaving\.|third-party\.|error\.needed\.)/;
    const inDative = keys.filter((key) =>
      /\b(bei|von|vom|zu|mit|aus) \{provider\}/i.test(inOneLine(german[key])),
    );
    expect(inDative.filter((key) => !known.test(key))).toEqual([]);
  });

  test('are loaded by nothing but the site that takes them', () => {
    const kit = foldersOf().views[1]?.replace(/views$/, '') ?? '';
    const users = sourcesIn(kit, '**/*.ts')
      .filter(({ name }) => !/^(test|texts)\//.test(name))
      .filter((file) => filesImportedBy(file).some((target) => target.startsWith('texts/')));
    expect(users).toEqual([]);
    const { imports } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    expect(imports['#kit/texts/*']).toBe('./src/kit/texts/*.ts');
  });

  test('are what a person reads, with the words that the site has of its own', async () => {
    const own = { de: { ...german, 'button.sign-in': 'Einloggen' }, en: {} };
    const app = await startTestApp(smallSite({ more: { texts: own } }));
    onTestFinished(() => app.stop());
    const lost = await app.visitor({ headers: { 'Accept-Language': 'de' } }).get('/nowhere');
    expect([lost.status, lost.heading]).toEqual([404, 'Seite nicht gefunden']);
    expect(lost.body).toMatch(/>Einloggen</);
    const english = await app.visitor({ headers: { 'Accept-Language': 'en' } }).get('/nowhere');
    expect(english.heading).toBe('Page not found');
  });
});

test('a translation of one’s own is checked as it is written', () => {
  const french = { 'button.sign-in': 'Se connecter', 'claims.more.many': '{count} autres' } satisfies Texts;
  // @ts-expect-error there is no such text
  ({ 'button.sing-in': 'Se connecter' }) satisfies Texts;
  // @ts-expect-error one sentence where there is one
  ({ 'button.sign-in': ['Se', 'connecter'] }) satisfies Texts;
  // @ts-expect-error most are missing
  french satisfies AllTexts;
  ({ ...german, ...french, 'error.loop.text': 'Un seul paragraphe.' }) satisfies AllTexts;
  const { 'button.cancel': _, ...lacking } = german;
  // @ts-expect-error one is missing, as after an upgrade
  lacking satisfies AllTexts;
});
