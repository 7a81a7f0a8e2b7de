import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from '../../folders.ts';
import { codeBlocks, fileOf, section } from './docs.ts';
import { type GuideFile, siteOf } from './guide-site.ts';
import { whole } from './small-site.ts';

export interface GuideApp {
  folder: string;
  write(path: string, text: string): void;
  /** What a program of node_modules prints, run in the folder. */
  outputOf(program: string, ...args: string[]): Promise<string>;
  /** What the app's own tests print: all of them, or those of these files. */
  test(...files: string[]): Promise<string>;
  remove(): void;
}

/** Sections that say to write something else than before: each makes another app. */
const postgresqlSection = 'PostgreSQL instead of SQLite';
const listSection = 'Only people on a list';

/** A copy has it before anybody reads the guide. */
const home = {
  path: 'src/pages/home.ts',
  code: `import { definePage } from '#kit';

export const homePage = definePage({ path: '/', title: 'Home', access: 'everyone', view: 'home' });
`,
};

/**
 * The app that somebody has who followed a guide to its end, in a folder of its own: the kit, the guide's files, and a
 * `src/site.ts` of all that the guide puts into it. Of a file that it writes twice, the later one counts. What else a
 * layout needs is that of the kit's test site.
 *
 * @param options.postgresql whether what the guide says to write for PostgreSQL takes the place of what was there
 * @param options.listed whether the guide was followed as far as the list of people who may come in, and no further
 */
export function createGuideApp(guide: string, { postgresql = false, listed = false } = {}): GuideApp {
  const folder = mkdtempSync(join(tmpdir(), 'app of the guide '));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const kit = join(projectRoot, 'src/kit');
  cpSync(kit, join(folder, 'src/kit'), { recursive: true, filter: (path) => path !== join(kit, 'test') });
  cpSync(join(kit, 'test/site/views/partials'), join(folder, 'views/partials'), { recursive: true });
  cpSync(join(kit, 'test/site/public'), join(folder, 'public'), { recursive: true });
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const { imports } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  write('package.json', JSON.stringify({ type: 'module', private: true, imports }));
  const typescript = {
    extends: join(projectRoot, 'tsconfig.json'),
    include: ['src/site.ts', 'src/pages', 'src/data', 'src/texts', 'test'],
    exclude: [],
  };
  write('tsconfig.json', JSON.stringify(typescript));

  const [replacing, list] = [section(guide, postgresqlSection), section(guide, listSection)];
  const followed = listed ? guide.slice(0, guide.indexOf(list) + list.length) : guide.replace(list, () => '');
  const files = filesIn(followed.replace(replacing, () => ''));
  for (const { path, code } of [home, ...files, ...(postgresql ? filesIn(replacing) : [])]) write(path, code);
  write('views/home.ejs', whole('<h1>Welcome</h1>'));
  write('src/site.ts', siteOf([home, ...files]));

  async function outputOf(program: string, ...args: string[]): Promise<string> {
    const file = join(projectRoot, 'node_modules', program);
    const options = {
      cwd: folder,
      timeout: 110_000,
      env: { ...process.env, NO_COLOR: '1', VITEST: undefined },
    };
    const run = promisify(execFile)(process.execPath, [file, ...args], options);
    const { stdout, stderr } = await run.catch((error: { stdout: string; stderr: string }) => error);
    return stdout + stderr;
  }
  // Its cache would be that of the run that this test is in, and a file that one writes may be away for the other.
  const ownCache = '--fsModuleCache=false';
  // One process for all files takes half the time.
  const oneProcess = ['--no-isolate', '--maxWorkers=1'];
  return {
    folder,
    write,
    outputOf,
    test: (...files) =>
      outputOf(
        'vitest/vitest.mjs',
        'run',
        '--root',
        folder,
        '--no-color',
        '--testTimeout=20000',
        ownCache,
        ...oneProcess,
        ...files,
      ),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function filesIn(text: string): GuideFile[] {
  return codeBlocks(text).flatMap(({ code }) => {
    const path = fileOf(code);
    return path === undefined ? [] : [{ path, code }];
  });
}
