import { describe, expect, test } from 'vitest';
import { kitDoc, section } from './helpers/docs.ts';

// docs/conformance.md says what was shown by others' means: each row with what, when and what became of it since.
// Links, headings and words are looked at in docs.test.ts, as in every page of docs.

const page = kitDoc('docs/conformance.md');
const providers = kitDoc('docs/providers.md');

/** The parts of the page whose rows are evidence. */
const parts = ["The OpenID Foundation's conformance suite", 'Real servers', 'ASP.NET Core', 'Browsers'];

interface Row {
  what: string;
  shownWith: string;
  date: string;
  sinceThen: string;
}

/** The rows of the first table of a section, by the heads of its columns. */
function tableOf(text: string): Record<string, string>[] {
  const [heads = [], , ...rows] = (/(^\|.*\n)+/m.exec(text)?.[0] ?? '').trim().split('\n').map(cellsOf);
  return rows.map((row) => Object.fromEntries(heads.map((head, index) => [head, row[index] ?? ''])));
}

function cellsOf(line: string): string[] {
  return line
    .replace(/^\| | \|$/g, '')
    .split(' | ')
    .map((cell) => cell.trim());
}

function evidence(text: string): Row[] {
  return parts.flatMap((title) =>
    tableOf(section(text, title)).map((row) => ({
      what: Object.values(row)[0] ?? '',
      shownWith: row['shown with'] ?? '',
      date: row.date ?? '',
      sinceThen: row['since then'] ?? '',
    })),
  );
}

/** Servers with a version, as `Keycloak 26.4.7, 26.5.6`: the name, and the versions that follow it. */
function serverOf(cell: string): [string, string[]] {
  const text = cell.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/ \([^)]*\)/g, '');
  const [, name = '', versions = ''] = /^(.*?),? (?:commit )?([\da-f].*)$/.exec(text) ?? [];
  return [name, versions.split(', ')];
}

describe.skipIf(!page)('docs/conformance.md', () => {
  const text = page ?? '';
  const rows = evidence(text);

  test.each(parts)('has rows about: %s', (title) => {
    expect(tableOf(section(text, title)).length).toBeGreaterThan(1);
  });

  test('says of each row with which version and commit it was shown, and on which day', () => {
    expect(rows.length).toBeGreaterThan(30);
    for (const { what, shownWith, date } of rows) {
      expect(shownWith, what).toMatch(/^\d+\.\d+\.\d+ \([\da-f]{7}\)$/);
      expect(date, what).toMatch(
        /^\d{1,2} (January|February|March|April|May|June|July|August|September|October|November|December) 20\d\d$/,
      );
      expect(Number.isNaN(Date.parse(date)), what).toBe(false);
    }
  });

  test('says of each row whether the code behind it is still the same, and what changed if not', () => {
    for (const { what, sinceThen } of rows)
      expect(sinceThen, what).toMatch(/^(unchanged|shown again with \d|not yet shown again\b.*: \S.* \S)/);
  });

  test('names the version of each program that others wrote', () => {
    const suite = section(text, "The OpenID Foundation's conformance suite");
    expect(suite).toMatch(/^Version \d+\.\d+\.\d+ \(commit [\da-f]{7,}\)/m);
    const named = [...tableOf(section(text, 'Real servers')), ...tableOf(section(text, 'ASP.NET Core'))];
    for (const row of named) expect(row.server ?? row.program).toMatch(/ (\d+\.\d+|commit [\da-f]{7})/);
    for (const { browser } of tableOf(section(text, 'Browsers'))) expect(browser).toMatch(/ \d+(\.\d+)?$/);
  });

  test('claims no certification, and says what was not shown and how to show it again', () => {
    expect(text).toContain('**None of this is a certification.**');
    expect(text.match(/\bcertified\b|\bis conformant\b/gi)).toBeNull();
    expect(section(text, 'What was not shown')).toMatch(/FAPI 2\.0 Message Signing/);
    for (const start of ['**The suite.**', '**A server.**', '**A browser.**'])
      expect(section(text, 'Show it again')).toContain(start);
  });

  test.skipIf(!providers)('has the servers of docs/providers.md, in the same versions', () => {
    const tried = tableOf(section(providers ?? '', 'Servers it was tried with')).map(({ server = '' }) =>
      serverOf(server),
    );
    const shown = tableOf(section(text, 'Real servers')).map(({ server = '' }) => serverOf(server));
    expect(tried.length).toBeGreaterThan(10);
    for (const server of tried) expect(shown).toContainEqual(server);
    expect([...new Set(shown.map(([name]) => name))].sort()).toEqual(tried.map(([name]) => name).sort());
  });
});

describe.skipIf(!providers)('docs/providers.md', () => {
  const text = providers ?? '';

  test('says in each recipe of a server that was tried which versions these were', () => {
    for (const { server = '' } of tableOf(section(text, 'Servers it was tried with'))) {
      const title = /^\[([^\]]*)\]/.exec(server)?.[1];
      // An example program has no recipe.
      if (title === undefined) continue;
      const recipe = section(text, title);
      for (const version of serverOf(server)[1])
        expect(recipe, title).toMatch(new RegExp(`^Tried: .*${version}`, 'm'));
    }
  });

  test('calls no recipe untried whose server was tried', () => {
    const named = tableOf(section(text, 'Servers it was tried with')).map(
      ({ server = '' }) => /^\[([^\]]*)\]/.exec(server)?.[1],
    );
    for (const title of named.filter((each) => each !== undefined))
      expect(section(text, title), title).not.toContain('Not tried here');
  });
});
