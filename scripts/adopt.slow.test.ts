import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { asAdopted } from '../src/kit/upgrade/as-adopted.ts';
import { type Copies, type Copy, hideLink, prepareCopies } from './helpers/copies.ts';

// `npm run adopt` in real copies of this tree, each with its checks, its tests and one sign-in after it.

const limit = 60_000;

let copies: Copies;
beforeAll(() => {
  copies = prepareCopies();
});
afterAll(() => copies?.remove());

/** A test of the site, which signs somebody in. */
const signInTest = `import { expect, test } from 'vitest';
import { startTestApp } from '#kit/testing';
import { site } from '../src/site.ts';

test('alice signs in and sees her profile', async () => {
  await using app = await startTestApp({ site });
  const alice = await app.signIn('alice');
  const page = await alice.get('/profile');
  expect([page.status, page.path]).toEqual([200, '/profile']);
});
`;

/** Types, format, unused dependencies, licences, the kit as it came; the site's tests, a sign-in among them. */
function expectWorks(copy: Copy): void {
  copy.write({ 'test/sign-in.test.ts': signInTest });
  const check = copy.npm('run', 'check');
  expect(check.status, check.stdout + check.stderr).toBe(0);
  expect(check.stdout).toMatch(/^kit \d+\.\d+\.\d+, unchanged$/m);
  expect(check.stdout).not.toMatch(/^Yours by now/m);
  const tests = copy.npm('test');
  expect(tests.status, tests.stdout + tests.stderr).toBe(0);
  expect(tests.stdout).toContain('1 passed');
}

function expectAdopted(copy: Copy, ...args: string[]): string {
  const { status, stdout, stderr } = copy.adopt('my-app', ...args);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^This is my-app now/);
  return stdout;
}

const exampleFiles = ['src/pages/notes.ts', 'src/pages/admin.ts', 'src/data/database.ts', 'views/notes.ejs'];

function expectNoExample(copy: Copy): void {
  for (const path of exampleFiles) expect(copy.has(path), path).toBe(false);
  expect(copy.read('src/site.ts')).not.toContain('// example');
}

describe('a clone that is adopted', () => {
  let copy: Copy;
  let before: Record<string, string>;
  beforeAll(() => {
    copy = copies.clone('clone');
    before = copy.snapshot();
  });

  test('says what it did', () => {
    const said = expectAdopted(copy);
    expect(said).toMatch(/^This is my-app now: "My app"\.\n- The example is out: \d+ files, and \d+ lines/);
    expect(said).toContain('gone: CHANGELOG.md, bench/, docs/screenshots/, scripts/,');
    expect(said).toContain('.env has a fresh SESSION_SECRET');
    expect(said).not.toMatch(/stay:/);
  });

  test('passes its checks and its tests, and signs somebody in', () => expectWorks(copy), limit);

  test('has its name, and a version of its own', () => {
    const json = JSON.parse(copy.read('package.json'));
    const lock = JSON.parse(copy.read('package-lock.json'));
    for (const one of [json, lock, lock.packages['']])
      expect([one.name, one.version]).toEqual(['my-app', '0.1.0']);
    expect(JSON.parse(copy.read('src/kit/kit.json')).version).not.toBe('0.1.0');
    expect(copy.read('src/site.ts')).toContain("name: 'My app'");
    expect(json).not.toHaveProperty('description');
    expect(json).not.toHaveProperty('license');
  });

  test('deletes the files that kit.json lists, and changes four more', () => {
    const { example, templateOnly } = JSON.parse(copy.read('src/kit/kit.json'));
    const after = copy.snapshot();
    const gone = Object.keys(before).filter((path) => !(path in after));
    expect(gone.sort()).toEqual(Object.keys({ ...example, ...templateOnly }).sort());
    const changed = Object.keys(after).filter((path) => after[path] !== before[path]);
    const written = ['.env', 'README.md', 'package-lock.json', 'package.json', 'src/site.ts'];
    expect(changed.filter((path) => path !== 'test/sign-in.test.ts').sort()).toEqual(written);
    expectNoExample(copy);
  });

  test('names the template in LICENSE and kit.json only', () => {
    const named = copy.git('grep', '--name-only', '--untracked', '-iE', 'express.confidential.web.app');
    expect(named.trim().split('\n').sort()).toEqual(['LICENSE', 'src/kit/kit.json']);
  });

  test('has no sample account and no gallery page that names a page which is gone', () => {
    const sources = [
      'src/kit/dev',
      'src/kit/views',
      'src/pages',
      'src/site.ts',
      'views',
      'public',
      'README.md',
    ];
    const found = copy.git('grep', '--untracked', '-cE', '/(admin|api-data|notes)\\b|^$', '--', ...sources);
    expect(found).not.toBe('');
    expect(() =>
      copy.git('grep', '--untracked', '-E', '/(admin|api-data|notes)\\b', '--', ...sources),
    ).toThrow();
  });

  test('has scripts that an upgrade takes for those of the template', () => {
    const { package: template } = JSON.parse(copy.read('src/kit/kit.json'));
    expect(JSON.parse(copy.read('package.json')).scripts).toEqual(asAdopted(template).scripts);
    expect(JSON.parse(copy.read('package.json')).scripts.test).toBe('vitest run');
  });

  test(
    'has a lock as npm would write it without network, which `npm ci` takes',
    () => {
      const lock = copy.read('package-lock.json');
      const cache = copies.place('empty-cache');
      const offline = ['--offline', '--ignore-scripts', '--no-audit', '--no-fund', '--cache', cache];
      const install = copy.npm('install', '--package-lock-only', ...offline);
      expect(install.status, install.stderr).toBe(0);
      expect(copy.read('package-lock.json')).toBe(lock);
      const ci = copy.npm('ci', '--dry-run', ...offline);
      expect(ci.status, ci.stderr).toBe(0);
      expect(lock).not.toContain('node_modules/autocannon');
    },
    limit,
  );

  test('has an .env with a secret, for its owner only, that git leaves out', () => {
    const lines = copy.read('.env').match(/^[^#\n].*/gm);
    expect(lines).toEqual([expect.stringMatching(/^SESSION_SECRET=[\w-]{43}$/)]);
    expect(statSync(join(copy.folder, '.env')).mode & 0o777).toBe(0o600);
    expect(copy.git('status', '--porcelain')).not.toContain('.env');
  });

  test('has a README of its own, with commands that package.json knows and links that lead somewhere', () => {
    const readme = copy.read('README.md');
    expect(readme).toMatch(/^# My app\n/);
    const { scripts } = JSON.parse(copy.read('package.json'));
    for (const [, script = ''] of readme.matchAll(/npm run ([\w:]+)/g))
      expect(scripts).toHaveProperty(script);
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = '']) => path);
    expect(links.filter((path) => !copy.has(path))).toEqual([]);
    expect(links.length).toBeGreaterThan(2);
  });

  test('is small: at most 600 lines outside the kit', () => {
    const own = Object.entries(copy.snapshot()).filter(
      ([path]) => /^(src|views|test)\//.test(path) && !path.startsWith('src/kit/'),
    );
    const lines = own.flatMap(([, content]) => content.trimEnd().split('\n')).length;
    expect(lines, own.map(([path]) => path).join(', ')).toBeLessThanOrEqual(600);
  });

  test('is not adopted a second time', () => {
    copy.commit('My app');
    expect(copy.adopt('other-app').status).not.toBe(0);
    expect(copy.git('status', '--porcelain')).toBe('');
  });
});

describe('it works wherever the copy is', () => {
  test(
    'made by "use this template", in a folder with a blank',
    () => {
      const copy = copies.files('made from a template');
      copy.git('init', '--quiet');
      hideLink(copy.folder);
      copy.commit('Initial commit');
      expectAdopted(copy);
      expectNoExample(copy);
      expectWorks(copy);
    },
    limit,
  );

  test(
    'in a folder without git',
    () => {
      const copy = copies.files('without-git');
      expectAdopted(copy);
      expectNoExample(copy);
      expect(copy.has('.git')).toBe(false);
      expectWorks(copy);
    },
    limit,
  );

  test(
    'in a folder of a larger repository, where other folders have changes',
    () => {
      const outer = copies.place('larger');
      mkdirSync(outer);
      const copy = copies.files('larger/apps/web');
      copy.git('init', '--quiet', outer);
      hideLink(outer);
      copy.commit('All');
      copy.write({ '../elsewhere.txt': 'not committed' });
      expectAdopted(copy);
      expectNoExample(copy);
      expect(copy.read('../elsewhere.txt')).toBe('not committed');
      expectWorks(copy);
    },
    limit,
  );

  test('with an ignore file that hides a part of the kit, which it names', () => {
    const copy = copies.files('hidden');
    copy.git('init', '--quiet');
    hideLink(copy.folder);
    copy.edit('.gitignore', (text) => `${text}[Ll]og/\n`).commit('Initial commit');
    const said = expectAdopted(copy);
    expect(said).toContain('src/kit/log/index.ts (.gitignore, line ');
    expect(said).toMatch(/Add at the end of \.gitignore:/);
  });

  test('where nothing is installed yet, and says that the types were not checked', () => {
    const copy = copies.files('not-installed');
    copy.write({ node_modules: null });
    expect(expectAdopted(copy)).toContain('The types were not checked, because nothing is installed yet.');
    expectNoExample(copy);
  });
});

describe('what was added before stays', () => {
  test('an .env', () => {
    const copy = copies.clone('with-env');
    copy.write({ '.env': 'SESSION_SECRET=mine\n' });
    expect(expectAdopted(copy)).toContain('Your .env is as it was.');
    expect(copy.read('.env')).toBe('SESSION_SECRET=mine\n');
  });

  test(
    'pages, settings, scripts, dependencies, a README, and files in folders that go',
    () => {
      const copy = copies.clone('with-own');
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
      copy
        .write(mine)
        .edit('src/site.ts', (text) =>
          text
            .replace(
              'import { profilePage }',
              "import { helloPage } from './pages/hello.ts';\nimport { profilePage }",
            )
            .replace('    profilePage,\n', '    profilePage,\n    helloPage,\n')
            .replace("name: 'Express confidential web app'", "name: 'Greetings'"),
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
      copy.edit('package-lock.json', (text) => text.replace('"jose": "^6.2.17"', '"jose": "^6.2.0"'));
      copy.commit('Mine');

      const said = expectAdopted(copy);
      expect(said).toContain('Your README.md stays');
      expect(said).toContain('The name in src/site.ts is yours already');
      for (const [path, text] of Object.entries(mine)) expect(copy.read(path), path).toBe(text);
      const { scripts, description, license, dependencies } = JSON.parse(copy.read('package.json'));
      expect([scripts.seed, description, license, dependencies.jose]).toEqual([
        'node scripts/seed.ts',
        'Greets',
        'UNLICENSED',
        '^6.2.0',
      ]);
      expect(scripts.check).toMatch(/node src\/kit\/upgrade\/check\.ts && echo mine$/);
      expect(copy.read('src/site.ts')).toMatch(/name: 'Greetings'[\s\S]*helloPage,/);
      expect(copy.git('ls-files', '-co', '--exclude-standard', 'scripts').trim()).toMatch(
        /scripts\/seed\.ts/,
      );
      expect(copy.has('scripts/adopt.ts')).toBe(false);
      expectNoExample(copy);
      expectWorks(copy);
    },
    limit,
  );

  test(
    'an example page that was edited, with its lines and the data that it works with',
    () => {
      const copy = copies.clone('with-edited-page');
      copy.edit('src/pages/notes.ts', (text) => text.replace("'Your notes'", "'My notes'")).commit();
      const said = expectAdopted(copy);
      expect(said).toContain('src/pages/notes.ts (you edited it)');
      expect(said).toContain('views/notes.ejs (src/pages/notes.ts needs it)');
      for (const path of ['src/data/database.ts', 'src/data/notes.ts', 'views/note.ejs'])
        expect(copy.has(path), path).toBe(true);
      for (const path of ['src/pages/admin.ts', 'src/pages/api-data.ts', 'views/admin.ejs'])
        expect(copy.has(path), path).toBe(false);
      const site = copy.read('src/site.ts');
      expect(site).toMatch(/notesPage, \/\/ example\n {4}notePage, \/\/ example\n {2}\],/);
      expect(site).not.toMatch(/admin|apiSettings/);
      expectWorks(copy);
    },
    limit,
  );

  test(
    'an example view that was edited, without its page',
    () => {
      const copy = copies.clone('with-edited-view');
      copy.edit('views/admin.ejs', (text) => `${text}<!-- mine -->\n`).commit();
      expect(expectAdopted(copy)).toContain('views/admin.ejs (you edited it)');
      expect([copy.has('views/admin.ejs'), copy.has('src/pages/admin.ts')]).toEqual([true, false]);
      expectNoExampleLines(copy);
      expectWorks(copy);
    },
    limit,
  );

  test(
    "an example file that a page of one's own imports, and a view that it prints",
    () => {
      const copy = copies.clone('with-used');
      const page = ownPage(
        'latest',
        '({ user, data }) => ({ notes: data.notes.list(user).map(title) })',
        ["import type { Note } from '../data/notes.ts';", '', 'const title = (note: Note) => note;'].join(
          '\n',
        ),
      ).replace("view: 'latest'", "view: 'notes'");
      copy.write({ 'src/pages/latest.ts': page });
      copy.edit('src/site.ts', (text) =>
        text
          .replace('import { notePage', "import { latestPage } from './pages/latest.ts';\nimport { notePage")
          .replace('    profilePage,\n', '    profilePage,\n    latestPage,\n'),
      );
      copy.commit();
      const said = expectAdopted(copy);
      expect(said).toContain('src/data/notes.ts (src/pages/latest.ts uses it)');
      expect(said).toContain('views/notes.ejs (src/pages/latest.ts uses it)');
      expect(copy.has('src/pages/notes.ts')).toBe(false);
      expect(copy.read('src/site.ts')).toMatch(/openDatabase\(settings\.DATABASE_FILE\), \/\/ example/);
      expectWorks(copy);
    },
    limit,
  );

  test(
    'the whole example, with --keep-examples',
    () => {
      const copy = copies.clone('with-example');
      const site = copy.read('src/site.ts');
      expect(expectAdopted(copy, '--keep-examples')).toContain('The example stays.');
      expect(copy.read('src/site.ts')).toBe(site.replace('Express confidential web app', 'My app'));
      for (const path of exampleFiles) expect(copy.has(path), path).toBe(true);
      expect([copy.has('scripts'), copy.has('bench')]).toEqual([false, false]);
      expectWorks(copy);
    },
    limit,
  );
});

describe('everything is as it was, byte for byte,', () => {
  test(
    'where the types do not fit afterwards; the errors are shown',
    () => {
      const copy = copies.clone('misfit');
      copy.write({ 'src/pages/mine.ts': ownPage('mine', "() => ({ wrong: 'text' * 2 })") }).commit();
      const before = copy.snapshot();
      const { status, stderr, stdout } = copy.adopt('my-app');
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^The types do not fit after that, so everything was put back as it was:\n/);
      expect(stderr).toMatch(/src\/pages\/mine\.ts\(\d+,\d+\): error TS2362/);
      expect(copy.snapshot()).toEqual(before);
      expect(copy.git('status', '--porcelain')).toBe('');
    },
    limit,
  );

  describe('after a refusal in a sentence', () => {
    let copy: Copy;
    beforeAll(() => {
      copy = copies.clone('refusals');
    });

    test.each([
      ['no name', []],
      ['two names', ['my', 'app']],
      ['an empty name', ['']],
      ['a name with capitals', ['MyApp']],
      ['a name with a blank', ['my app']],
      ['an option that it does not know', ['--help']],
      ['a mistyped option', ['my-app', '--keep-example']],
      ['a path', ['../my-app']],
      ['a path in a scope', ['@me/my-app']],
      ["the template's own name", ['express-confidential-web-app']],
      ['a name that npm does not allow', ['node_modules']],
      ['a name of 300 characters', ['a'.repeat(300)]],
      ['a line feed in the name', ['my-app\n']],
    ])('%s', (_what, args) => {
      const { status, stderr, stdout } = copy.adopt(...args);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^[A-Z][^\n]+\n$/);
      expect(copy.git('status', '--porcelain')).toBe('');
      expect(copy.has('.env')).toBe(false);
    });

    test('the option where npm keeps it for itself', () => {
      const { status, stderr } = copy.npm('run', '--silent', 'adopt', 'my-app', '--keep-examples');
      expect([status, stderr]).toEqual([1, expect.stringMatching(/Put two hyphens before the name/)]);
      expect(copy.git('status', '--porcelain')).toBe('');
    });

    test('changes that are not committed', () => {
      copy.write({ 'mine.txt': 'mine' });
      const { status, stderr } = copy.adopt('my-app');
      expect([status, stderr]).toEqual([
        1,
        expect.stringMatching(/^There are changes that are not committed \(mine\.txt\)/),
      ]);
      expect(copy.git('status', '--porcelain').trim()).toBe('?? mine.txt');
      copy.write({ 'mine.txt': null });
    });

    test('a package.json that is none', () => {
      const { 'package.json': text = '' } = { 'package.json': copy.read('package.json') };
      copy.write({ 'package-lock.json': '{}' }).commit();
      const { status, stderr } = copy.adopt('my-app');
      expect([status, stderr]).toEqual([
        1,
        expect.stringMatching(/^package-lock\.json is not as npm writes it/),
      ]);
      expect([copy.git('status', '--porcelain'), copy.read('package.json')]).toEqual(['', text]);
    });
  });
});

function expectNoExampleLines(copy: Copy): void {
  expect(copy.read('src/site.ts')).not.toContain('// example');
}

/** A page of the copier's, as Biome formats it. */
function ownPage(name: string, model: string, head = ''): string {
  const kit = "import { definePage } from '#kit';\n";
  return `${kit}${head && `${head}\n`}
export const ${name}Page = definePage({
  path: '/${name}',
  title: 'Mine',
  access: 'signed-in',
  view: '${name}',
  model: ${model},
});
`;
}
