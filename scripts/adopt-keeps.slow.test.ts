import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  exampleFiles,
  expectAdopted,
  expectNoExample,
  itFits,
  notInstalled,
  ownPage,
} from './helpers/adopted.ts';
import { type Copies, type Copy, prepareCopies } from './helpers/copies.ts';

// What `npm run adopt` keeps of what was there before, in real copies of this tree.

// Each adopts a copy, and TypeScript looks at all of it, up to ten times.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 60_000 });

let copies: Copies;
beforeAll(() => {
  copies = prepareCopies();
});
afterAll(() => copies?.remove());

test('an .env stays as it was', () => {
  const copy = copies.clone('with-env').write({ ...notInstalled, '.env': 'SESSION_SECRET=mine\n' });
  expect(expectAdopted(copy)).toContain('Your .env is as it was.');
  expect(copy.read('.env')).toBe('SESSION_SECRET=mine\n');
});

describe('what was added before stays:', () => {
  let copy: Copy;
  const mine = {
    'README.md': '# Mine\n',
    'SECURITY.md': '# Write to me\n',
    'src/pages/hello.ts': ownPage(
      'hello',
      '() => ({ words: greet() })',
      "import { greet } from '../greet/words.ts';",
    ),
    'src/greet/words.ts': "export const greet = () => 'Hello';\n",
    'views/hello.ejs':
      "<%- include('/partials/top') %>\n<h1><%= page.words %></h1>\n<%- include('/partials/bottom') %>\n",
    'scripts/seed.ts': "console.log('seed');\n",
  };

  test('a page, a folder in src, a README, a file in a folder that goes', () => {
    copy = copies.clone('with-own').write(mine);
    copy.edit('src/site.ts', (text) =>
      text
        .replace('import { homePage }', "import { helloPage } from './pages/hello.ts';\nimport { homePage }")
        .replace('    profilePage,\n', '    profilePage,\n    helloPage,\n')
        .replace("name: 'My app'", "name: 'Greetings'"),
    );
    copy.edit('package.json', (text) => {
      const json = JSON.parse(text);
      json.scripts.seed = 'node scripts/seed.ts';
      json.scripts.check += ' && echo mine';
      json.description = 'Greets';
      json.license = 'UNLICENSED';
      json.dependencies.jose = '^6.2.0';
      return `${JSON.stringify(json, null, 2)}\n`;
    });
    copy.edit('package-lock.json', (text) =>
      text.replace(/"jose": "[^"]+",\n(?=[^}]*"openid-client")/, '"jose": "^6.2.0",\n'),
    );
    copy.commit('Mine');

    const said = expectAdopted(copy);
    expect(said).toContain('Your README.md stays');
    expect(said).toContain('The name in src/site.ts is yours already');
    for (const [path, text] of Object.entries(mine)) expect(copy.read(path), path).toBe(text);
    expect(copy.read('src/site.ts')).toMatch(/name: 'Greetings'[\s\S]*helloPage,/);
    expect(copy.has('scripts/adopt.ts')).toBe(false);
    expectNoExample(copy);
  });

  test('scripts, settings and dependencies of package.json', () => {
    const { scripts, description, license, dependencies } = JSON.parse(copy.read('package.json'));
    expect(scripts.seed).toBe('node scripts/seed.ts');
    expect(scripts.check).toMatch(/node src\/kit\/upgrade\/check\.ts && echo mine$/);
    expect([description, license, dependencies.jose]).toEqual(['Greets', 'UNLICENSED', '^6.2.0']);
    const { packages } = JSON.parse(copy.read('package-lock.json'));
    expect(packages[''].dependencies).toEqual(dependencies);
  });

  itFits(() => copy);
});

describe('an example page that was edited', () => {
  let copy: Copy;

  test('stays, with its lines, its views and the data that it works with; the rest goes', () => {
    copy = copies.clone('with-edited-page');
    copy.edit('src/pages/notes.ts', (text) => text.replace("'Your notes'", "'My notes'")).commit();
    const said = expectAdopted(copy);
    expect(said).toContain('src/pages/notes.ts (you edited it)');
    expect(said).toContain('views/notes.ejs (src/pages/notes.ts needs it)');
    expect(said).toContain('src/pages/note.ts (src/pages/notes.ts links to it)');
    for (const path of ['src/data/database.ts', 'src/data/migrations/0001-users.sql', 'views/note.ejs'])
      expect(copy.has(path), path).toBe(true);
    for (const path of ['src/pages/admin.ts', 'src/pages/api-data.ts', 'views/admin.ejs'])
      expect(copy.has(path), path).toBe(false);
    const site = copy.read('src/site.ts');
    for (const page of ['notesPage', 'newNotePage', 'notePage', 'deleteNotePage'])
      expect(site).toContain(`    ${page}, // example\n`);
    expect(site).not.toMatch(/admin|apis|signIn/);
    expect(copy.has('test/settings.env')).toBe(true);
    expect([copy.has('test/notes.test.ts'), copy.has('test/admin.test.ts')]).toEqual([true, false]);
  });

  itFits(() => copy, { allTests: true });
});

describe('an example view that was edited', () => {
  let copy: Copy;

  test('stays without its page', () => {
    copy = copies.clone('with-edited-view');
    copy.edit('views/admin.ejs', (text) => `${text}<!-- mine -->\n`).commit();
    expect(expectAdopted(copy)).toContain('views/admin.ejs (you edited it)');
    expect(copy.has('views/admin.ejs')).toBe(true);
    for (const path of ['src/pages/admin.ts', 'views/notes.ejs']) expect(copy.has(path), path).toBe(false);
    expect(copy.read('src/site.ts')).not.toContain('// example');
  });

  itFits(() => copy, { signsIn: false });
});

describe("an example file that a page of one's own imports, and a view that it prints,", () => {
  let copy: Copy;

  test('stay, with the data that the page works with', () => {
    copy = copies.clone('with-used');
    const head = "import type { Note } from '../data/notes.ts';\n\nconst shown = (note: Note) => note;";
    const page = ownPage(
      'latest',
      'async ({ user, data }) => ({ notes: (await data.notes.list(user)).notes.map(shown) })',
      head,
    );
    copy.write({ 'src/pages/latest.ts': page.replace("view: 'latest'", "view: 'notes'") });
    copy.edit('src/site.ts', (text) =>
      text
        .replace(
          'import { deleteNotePage',
          "import { latestPage } from './pages/latest.ts';\nimport { deleteNotePage",
        )
        .replace('    profilePage,\n', '    profilePage,\n    latestPage,\n'),
    );
    copy.commit();
    const said = expectAdopted(copy);
    expect(said).toContain('src/data/notes.ts (src/pages/latest.ts uses it)');
    expect(said).toContain('views/notes.ejs (src/pages/latest.ts uses it)');
    expect(copy.has('src/pages/notes.ts')).toBe(false);
    expect(copy.read('src/site.ts')).toMatch(/openDatabase\(settings, log\), \/\/ example/);
    expect(copy.read('src/site.ts')).not.toMatch(/apis|signIn|noteRoutes/);
    // The page that adds notes is gone, and checkSite would say so.
    copy.edit('views/notes.ejs', (text) => text.replace(/.*href="\/notes\/new".*\n/, ''));
  });

  itFits(() => copy);
});

test("a page of one's own that asks what `signIn` says of somebody keeps it, and the database, but no API", () => {
  const copy = copies.clone('with-member');
  const view = "<%- include('/partials/top') %>\n<h1>Mine</h1>\n<%- include('/partials/bottom') %>\n";
  copy.write({
    'src/pages/mine.ts': ownPage('mine', '({ user }) => ({ id: user.member?.id })'),
    'views/mine.ejs': view,
  });
  copy.edit('src/site.ts', (text) =>
    text
      .replace('import { profilePage', "import { minePage } from './pages/mine.ts';\nimport { profilePage")
      .replace('    profilePage,\n', '    profilePage,\n    minePage,\n'),
  );
  copy.commit();
  expectAdopted(copy);
  const lines = copy.read('src/site.ts').match(/^ .*\/\/ example$/gm);
  expect(lines?.map((line) => line.trim().replace(/\W*(\w+).*/, '$1'))).toEqual([
    ...['databaseSettings', 'open', 'signIn'],
  ]);
  for (const path of ['src/pages/api-data.ts', 'src/pages/notes.ts', 'views/notes.ejs'])
    expect(copy.has(path), path).toBe(false);
});

describe('the whole example', () => {
  let copy: Copy;

  test('stays with --keep-examples', () => {
    copy = copies.clone('with-example');
    const site = copy.read('src/site.ts');
    expect(expectAdopted(copy, '--keep-examples')).toContain('The example stays.');
    expect(copy.read('src/site.ts')).toBe(site);
    for (const path of exampleFiles) expect(copy.has(path), path).toBe(true);
    expect([copy.has('scripts'), copy.has('bench')]).toEqual([false, false]);
  });

  // Its tests are those of the template itself.
  itFits(() => copy, { signsIn: false });
});

test("a program of the template's that was edited stays, and does not adopt a second time", () => {
  const copy = copies.clone('with-edited-program').write(notInstalled);
  copy.edit('scripts/adopt.ts', (text) => `${text}// mine\n`).commit();
  expect(expectAdopted(copy)).toContain('scripts/adopt.ts (you edited it)');
  expect([copy.has('scripts/adopt/plan.ts'), copy.has('scripts/release.ts')]).toEqual([true, false]);
  copy.commit('My app');
  const { status, stderr } = copy.node('scripts/adopt.ts', 'other-app');
  expect([status, stderr]).toEqual([1, 'This is my-app already; adopting happens once.\n']);
  expect(copy.git('status', '--porcelain')).toBe('');
});
