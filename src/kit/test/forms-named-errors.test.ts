import { describe, expect, test } from 'vitest';
import { createLanguages, english } from '../errors/language.ts';
import { nameErrors } from '../pages/forms/name-errors.ts';

// The list of what is wrong says which field each sentence is about: by the name that the page gives the field.

const summary = (...fields: [string, string][]) =>
  fields.map(([field, text]) => `<li><a href="#${field}" data-field>${text}</a></li>`).join('\n');

const linesOf = (html: string, language = english) =>
  [...nameErrors(html, language).matchAll(/<li><a href="#[^"]*">(.*?)<\/a><\/li>/g)].map(([, line]) => line);

const empty = 'Enter something here.';

describe('the list of what is wrong with a form', () => {
  test.each([
    ['the label of a field', '<label for="a">Title</label><input id="a" name="a">', `Title: ${empty}`],
    ['a label after its field', `<input id='a'><label class="x" for='a'>Title</label>`, `Title: ${empty}`],
    ['a label around its field', '<label>Title <input id="a" name="a"></label>', `Title: ${empty}`],
    [
      'a label around a list',
      '<label>Kind <select id="a"><option>One</option></select></label>',
      `Kind: ${empty}`,
    ],
    ['a label around a box', '<label><input type="checkbox" id="a"> I agree</label>', `I agree: ${empty}`],
    [
      'what is in brackets is left out',
      '<label for="a">Remind me on (optional)</label><input id="a">',
      `Remind me on: ${empty}`,
    ],
    [
      'so are marks',
      '<label for="a">Title: <span class="x">*</span></label><input id="a">',
      `Title: ${empty}`,
    ],
    [
      'tags and line ends',
      '<label for="a">\n  My <b>own\n title</b></label><input id="a">',
      `My own title: ${empty}`,
    ],
    ['an aria-label', '<input aria-label="Search" id="a">', `Search: ${empty}`],
    [
      'the legend of radio buttons, which share one',
      '<fieldset><legend>Room</legend><label><input type="radio" id="a" name="a"> Inside</label><label><input type="radio" name="a"> Out</label></fieldset>',
      `Room: ${empty}`,
    ],
    [
      'the legend of several boxes',
      '<fieldset><legend>Extras</legend><label><input type="checkbox" id="a" name="a"> High chair</label><label><input type="checkbox" name="a"> Window</label></fieldset>',
      `Extras: ${empty}`,
    ],
    ['the legend of a group', '<fieldset id="a"><legend>Extras</legend></fieldset>', `Extras: ${empty}`],
    ['no label', '<input type="hidden" id="a" name="a">', empty],
    ['what is escaped stays so', '<label for="a">R&amp;D &lt;i&gt;</label>', `R&amp;D &lt;i&gt;: ${empty}`],
  ])('%s', (_name, form, line) => {
    expect(linesOf(`${summary(['a', empty])}<form>${form}</form>`)).toEqual([line]);
  });

  test('says no name twice', () => {
    const form = '<label for="a">Guests</label><input id="a">';
    expect(linesOf(summary(['a', 'Guests must be at least 1']) + form)).toEqual([
      'Guests must be at least 1',
    ]);
  });

  test.each([
    ['Title', 'Enter a title.', 'en'],
    ['Title', 'A TITLE is needed', 'en'],
    ['Email address', empty.replace('something', 'an email address'), 'en'],
    ['Start date', 'Choose a start date (a weekday).', 'en'],
    ['R&amp;D &lt;i&gt;', 'Choose what r&amp;d &lt;i&gt; costs.', 'en'],
    ['Titel', 'Geben Sie einen Titel ein.', 'de'],
    ['Straße', 'Ohne „Straße“ geht es nicht.', 'de'],
    ['To', 'To must be after From.', 'en'],
  ])('leaves out a label that the sentence has in it: %s, "%s"', (label, text, tag) => {
    const { first } = createLanguages({ [tag]: {} });
    expect(linesOf(`${summary(['a', text])}<label for="a">${label}</label>`, first)).toEqual([text]);
  });

  test.each([
    ['Title', 'Enter some subtitles.'],
    ['Title', 'Enter a title_name.'],
    ['Name', 'Enter an email address, such as name@example.com.'],
    ['Name', 'Geben Sie einen Namen ein.'],
    ['Datum', 'Wählen Sie ein Start-Datum.'],
    ['Ort', 'Wählen Sie einen Örtlichkeitsort.'],
    ['To', 'Tick this box to continue.'],
    ['Amp', 'Enter what R&amp;D costs.'],
  ])('keeps one that is only a part of another word, or too short to mean it: %s, "%s"', (label, text) => {
    expect(linesOf(`${summary(['a', text])}<label for="a">${label}</label>`)).toEqual([`${label}: ${text}`]);
  });

  test('says the label again where two sentences are alike without it', () => {
    const form = '<label for="a">Start</label><label for="b">End</label>';
    const text = 'Start and end must differ.';
    expect(linesOf(summary(['a', text], ['b', text]) + form)).toEqual([`Start: ${text}`, `End: ${text}`]);
    const alike = '<label for="a">Title</label><label for="b">Title</label>';
    expect(linesOf(summary(['a', 'Enter a title.'], ['b', 'Enter a title.']) + alike)).toEqual([
      'a: Enter a title.',
      'b: Enter a title.',
    ]);
  });

  test('has no two links of one name', () => {
    const alike = '<label for="a">Name</label><input id="a"><label for="b">Name</label><input id="b">';
    expect(linesOf(summary(['a', empty], ['b', empty]) + alike)).toEqual([`a: ${empty}`, `b: ${empty}`]);
    expect(linesOf(summary(['a', empty], ['b', empty]))).toEqual([`a: ${empty}`, `b: ${empty}`]);
  });

  test('is in the language of the page, and says what it says as text', () => {
    const { first } = createLanguages({ fr: { 'form.in-summary': '{label} : <b>{text}' } });
    const html = `${summary(['a', '$& {label}'])}<label for="a">Titre $1</label>`;
    expect(linesOf(html, first)).toEqual(['Titre $1 : &lt;b&gt;$& {label}']);
  });

  test('takes a field of any name', () => {
    const field = 'ä b[0]';
    const html = `${summary([encodeURIComponent(field), empty])}<label for="${field}">Own</label>`;
    expect(linesOf(html)).toEqual([`Own: ${empty}`]);
  });

  test('leaves a link of the page as it is', () => {
    const html = '<a href="#a">Enter something here.</a><label for="a">Title</label>';
    expect(nameErrors(html, english)).toBe(html);
  });

  test('takes no longer for what nobody closes', () => {
    const long = '<label><select><legend><fieldset><input '.repeat(20_000);
    const before = performance.now();
    nameErrors(summary(['a', empty]) + long, english);
    const typed = `x${'ab'.repeat(30_000)}`;
    nameErrors(`${summary(['a', typed])}<label for="a">bab</label>`, english);
    expect(performance.now() - before).toBeLessThan(2_000);
  });
});
