import { execFile } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBrowser } from '../src/kit/test/helpers/browser.ts';
import { type DevProcess, freeDevPorts, startDev } from '../src/kit/test/helpers/dev-process.ts';
import { checkout, copyTree, type TreeCopy } from './helpers/tree-copy.ts';

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
let copy: TreeCopy;
let dev: DevProcess | undefined;

beforeAll(() => {
  copy = copyTree(undefined, 'a copy of the app, ä and more ');
  symlinkSync(join(checkout, 'node_modules'), join(copy.folder, 'node_modules'), 'junction');
});

afterAll(async () => {
  dev?.signalAll('SIGTERM');
  await dev?.ended;
  copy.remove();
});

describe('in a folder with a blank in its name', () => {
  test('npm run dev starts, and a page answers', { timeout: 60_000 }, async () => {
    const ports = await freeDevPorts();
    dev = startDev({ ports, cwd: copy.folder, command: [npm, 'run', '--silent', 'dev'] });
    const said = await dev.says('Ctrl-C ends everything');
    expect(said.trimStart().split('\n')[0]).toBe(`The app     http://localhost:${ports.app}`);
    expect(dev.complaints).toBe('');
    for (const path of ['/signed-out', '/kit.css']) {
      expect((await fetch(`http://localhost:${ports.app}${path}`)).status, path).toBe(200);
    }
    // Not signed in: the way to the provider, which answers too.
    const { url } = await createBrowser().get(`http://localhost:${ports.app}/auth/login/work`);
    expect(url).toContain(`http://localhost:${ports.provider}/interaction/`);
  });

  // Copies that are adopted lie in such a folder too, and run all checks but these; TypeScript among them.
  test('the checks of what only the template has pass', { timeout: 120_000 }, async () => {
    await run('exec', '--', 'knip', '--config', 'scripts/knip.ts');
    await run('run', '--silent', 'release', '--', '--check');
  });

  test("the kit's layout is as it was", { timeout: 60_000 }, async () => {
    const { stdout } = await run('run', '--silent', 'test:kit', '--', 'src/kit/test/layout.test.ts');
    expect(stdout).toMatch(/Tests .*passed/);
  });
});

/** Rejects with all that it said when it fails. */
async function run(...args: string[]) {
  const { CI, VITEST, NODE_ENV, BASE_URL, ...env } = process.env;
  const done = promisify(execFile)(npm, args, { cwd: copy.folder, env, maxBuffer: 64 * 1024 ** 2 });
  return done.catch(({ stdout, stderr }) => {
    throw new Error(`npm ${args.join(' ')} failed:\n${stdout}\n${stderr}`);
  });
}
