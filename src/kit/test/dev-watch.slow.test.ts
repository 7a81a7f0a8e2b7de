import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type DevPorts, type DevProcess, freeDevPorts, startDev } from './helpers/dev-process.ts';

// What `npm run dev` notices of the files of a site, in whichever way they are written.

const siteWith = (imports: string, value: string) => `${imports}
export const site = {
  name: 'Watched',
  pages: () => [],
  publicRoutes: (router) => router.get('/value', (req, res) => res.json(${value})),
};
`;
const isDown = 'The app is not running. It starts again when a file changes.';

let folder: string;
let ports: DevPorts;
let run: DevProcess;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dev-watch-'));
  ports = await freeDevPorts();
});

afterEach(async () => {
  run.signalAll('SIGKILL');
  await run.ended;
  rmSync(folder, { recursive: true });
});

describe.skipIf(process.platform === 'win32')('npm run dev restarts the app', { timeout: 60_000 }, () => {
  it('at each of three saves by rename, with a mistake in one of them too', async () => {
    await startWith('./pages/word.ts');
    for (const value of ['one', 'two', 'three']) {
      replace('src/pages/word.ts', `export const value: string = '${value}';`);
      await shows(value);
    }
    replace('src/pages/word.ts', 'export const value = = 1;');
    await run.says(isDown);
    replace('src/pages/word.ts', "export const value = 'right again';");
    await shows('right again');
  });

  it('when a file changes that was imported later, from a new folder', async () => {
    await startWith('./pages/word.ts');
    write('src/new/deep/later.ts', "export const value = 'later';");
    replace('src/pages/word.ts', "export { value } from '../new/deep/later.ts';");
    await shows('later');
    for (const value of ['one', 'two']) {
      replace('src/new/deep/later.ts', `export const value = '${value}';`);
      await shows(value);
    }
  });

  it('when a file that is imported from beside the folder of the site changes', async () => {
    write('shared/words.json', '"shared"');
    write(
      'src/pages/word.ts',
      "import value from '../../shared/words.json' with { type: 'json' };\nexport { value };",
    );
    await startWith('./pages/word.ts', 'shared');
    for (const value of ['one', 'two']) {
      replace('shared/words.json', JSON.stringify(value));
      await shows(value);
    }
  });

  it('when a file that was deleted is put back, and its folder too', async () => {
    await startWith('./pages/word.ts');
    rmSync(join(folder, 'src/pages'), { recursive: true });
    await run.says(isDown);
    write('src/pages/word.ts', "export const value = 'back';");
    await shows('back');
  });

  it('once, when git changes many files', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `word${index}`);
    const all = (value: string) => {
      for (const name of names) write(`src/pages/${name}.ts`, `export const ${name} = '${value}';`);
    };
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], {
        cwd: folder,
        stdio: 'pipe',
      });
    const imports = names.map((name) => `import { ${name} } from './pages/${name}.ts';`).join('\n');
    write('src/site.ts', siteWith(imports, `[${names}].join()`));
    write('.gitignore', 'temporary');
    all('main');
    git('init', '-q', '-b', 'main');
    git('add', '.');
    git('commit', '-q', '-m', 'main');
    git('checkout', '-q', '-b', 'other');
    all('other');
    git('commit', '-q', '-a', '-m', 'other');
    const values = (value: string) => names.map(() => value).join();
    await startedWith(values('other'));
    git('checkout', '-q', 'main');
    await shows(values('main'));
    expect(run.output.match(/restarting the app/g)).toHaveLength(1);
    expect(run.output.match(/listening on/g)).toHaveLength(2);
  });

  it('once the one before it has ended, however often a file is saved meanwhile', async () => {
    await startWith('./pages/word.ts');
    const slow =
      'export const site = { open: () => ({ data: {}, close: () => new Promise((done) => setTimeout(done, 1_500)) }),';
    const text = readFileSync(join(folder, 'src/site.ts'), 'utf8');
    replace('src/site.ts', text.replace('export const site = {', slow));
    await run.says(/(listening on[\s\S]*){2}/);
    await shows('first');
    const stopping = /(SIGTERM: stopping[\s\S]*){2}/;
    replace('src/pages/word.ts', "export const value = 'one';");
    await run.says(stopping);
    for (const value of ['two', 'three']) replace('src/pages/word.ts', `export const value = '${value}';`);
    await shows('three');
    expect(run.complaints).not.toContain('in use');
    expect(run.output).not.toContain(isDown);
    expect(run.output.match(/listening on/g)).toHaveLength(3);
  });

  it('not when something is written that it has not loaded', async () => {
    await startWith('./pages/word.ts');
    for (const name of ['src/notes.json', 'src/pages/.word.ts.swp', 'src/pages/word.ts~', 'src/other.ts'])
      write(name, '1');
    replace('src/pages/word.ts', "export const value = 'saved';");
    await shows('saved');
    expect(run.output.match(/.*restarting the app/g)).toEqual([
      'src/pages/word.ts changed: restarting the app',
    ]);
  });
});

/** Starts a site that shows what a file of it exports as `value`. */
async function startWith(file: string, first = 'first'): Promise<void> {
  write('src/site.ts', siteWith(`import { value } from '${file}';`, 'value'));
  if (first === 'first') write('src/pages/word.ts', "export const value = 'first';");
  await startedWith(first);
}

async function startedWith(value: string): Promise<void> {
  mkdirSync(join(folder, 'temporary'));
  const main = join(import.meta.dirname, '..', 'dev', 'main.ts');
  const command = [process.execPath, main, join('src', 'site.ts')];
  const env = { OIDC_PROVIDERS: 'work', TMPDIR: join(folder, 'temporary') };
  run = startDev({ ports, command, cwd: folder, env });
  await run.says(/listening on/);
  await shows(value);
}

async function shows(value: string): Promise<void> {
  const shown = async () => (await fetch(`http://localhost:${ports.app}/value`)).json();
  await expect
    .poll(() => shown().catch(() => undefined), { timeout: 20_000, message: run.output })
    .toBe(value);
}

function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

/** As an editor does that never leaves half a file. */
function replace(name: string, text: string): void {
  expect(readFileSync(join(folder, name), 'utf8')).not.toBe(text);
  write(`${name}___new`, text);
  renameSync(join(folder, `${name}___new`), join(folder, name));
}
