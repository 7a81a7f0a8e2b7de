/**
 * `npm run adopt -- my-app`: makes the template yours. Renames it, takes the demo pages out of the app, writes an
 * `.env` with a fresh secret and notes which version of the template this was. Once; `git diff` shows what it did.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setup } from './adopt-setup.ts';

const template = { name: 'express-confidential-web-app', site: 'Express confidential web app' };
const root = fileURLToPath(new URL('../../', import.meta.url));
const home = 'test/demo-pages';

const [name = '', ...more] = process.argv.slice(2);
const refusal = refuse();
if (refusal) {
  console.error(refusal);
  process.exit(1);
}
rename();
moveDemoPages();
const secretWritten = writeEnv();
console.log(`This is ${name} now: "${siteName()}".
- The demo pages are out of the app. They live on in ${home}, where the tests of sign-in use them as examples.
- ${secretWritten ? '.env has a fresh SESSION_SECRET; git ignores that file.' : 'Your .env is as it was.'}
- The holder in LICENSE, the contact in SECURITY.md and the README's first lines are for you to write.
Look at it with \`git diff\`, then \`npm run check\`, \`npm test\` and commit.`);

/** Why not, in a sentence; nothing has been changed then. */
function refuse(): string | undefined {
  if (!/^[a-z0-9][a-z0-9._-]{0,100}$/.test(name) || more.length > 0) {
    return 'Say what your app is called, in small letters, digits and hyphens: npm run adopt -- my-app';
  }
  if (name === template.name) return 'That is the name of the template. Give your app a name of its own.';
  const { name: present, template: from } = JSON.parse(read('package.json'));
  if (from) return `This is ${present} already, made from ${from}. Adopting happens once.`;
  let changes: string;
  try {
    changes = git('status', '--porcelain');
  } catch {
    return 'This folder is not under version control. Run `git init`, `git add .` and `git commit` first, so that you can see and undo what changes.';
  }
  if (changes)
    return 'There are changes that are not committed. Commit or stash them first, so that what changes now can be told apart.';
  return undefined;
}

function rename(): void {
  edit('package.json', (text) => {
    const { name: _old, version, private: _private, ...rest } = JSON.parse(text);
    const from = `${template.name} ${version} (${git('rev-parse', '--short', 'HEAD')})`;
    return json({ name, version: '0.1.0', private: true, template: from, ...rest });
  });
  // Wherever else the name stands; whoever wrote the template stays in its licence.
  for (const file of git('ls-files', '-z').split('\0')) {
    if (!file || ['LICENSE', 'package.json', 'src/dev/adopt.ts'].includes(file) || !existsSync(root + file))
      continue;
    const text = read(file);
    if (!text.includes(template.name) && !text.includes(template.site)) continue;
    write(file, text.replaceAll(template.site, siteName()).replaceAll(template.name, name));
  }
}

/** The tests of roles, tokens and APIs need a page to look at: they keep these, the app does not. */
function moveDemoPages(): void {
  mkdirSync(`${root}${home}/views`, { recursive: true });
  for (const page of ['admin', 'api-data']) {
    renameSync(`${root}src/pages/${page}.ts`, `${root}${home}/${page}.ts`);
    renameSync(`${root}views/${page}.ejs`, `${root}${home}/views/${page}.ejs`);
    edit(`${home}/${page}.ts`, (text) =>
      text.replaceAll("from '../", "from '../../src/").replaceAll("from './", "from '../../src/pages/"),
    );
  }
  rmSync(`${root}src/pages/hello-api.ts`);
  write(`${home}/setup.ts`, setup);

  edit('src/pages/index.ts', (text) =>
    text
      .replace(/^(import .*'\.\/(admin|api-data)\.ts'|export .*'\.\/hello-api\.ts');\n/gm, '')
      .replace('listPages(settings:', 'listPages(_settings:')
      .replace(/const rooms = \[[\s\S]*?\n {2}\];\n/, 'const rooms = [profilePage, sessionsPage];\n'),
  );
  edit('src/app.ts', (text) => text.replace('helloApi, ', '').replace('  app.use(helloApi);\n', ''));
  edit('vitest.config.ts', (text) =>
    text.replace('  test: {\n', `  test: {\n    setupFiles: ['${home}/setup.ts'],\n`),
  );
  edit('test/require-auth.test.ts', (text) =>
    text.replace(/\ndescribe\('GET \/api\/hello[\s\S]*?\n}\);\n/, ''),
  );
  edit('README.md', (text) =>
    text
      .replace(/^\| `GET \/(admin|api-data|api\/hello)` .*\n/gm, '')
      .replace('src/pages/api-data.ts', `${home}/api-data.ts`),
  );
}

/** Everything from .env.example, with one line that counts. An .env that is there already stays as it is. */
function writeEnv(): boolean {
  if (existsSync(`${root}.env`)) return false;
  const secret = randomBytes(32).toString('base64url');
  const text = read('.env.example').replace(/^# SESSION_SECRET=$/m, `SESSION_SECRET=${secret}`);
  writeFileSync(`${root}.env`, text, { mode: 0o600 });
  return true;
}

/** `my-app` → `My app` */
function siteName(): string {
  const words = name.replaceAll(/[._-]+/g, ' ').trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function read(file: string): string {
  return readFileSync(root + file, 'utf8');
}

function write(file: string, text: string): void {
  writeFileSync(root + file, text);
}

/** A change that changes nothing means that the file is not as this program knows it. */
function edit(file: string, change: (text: string) => string): void {
  const before = read(file);
  const after = change(before);
  if (after === before)
    throw new Error(`${file} is not as expected; undo with: git reset --hard && git clean -fd`);
  write(file, after);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' }).trim();
}
