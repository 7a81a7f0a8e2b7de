import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contestants, type Name, programOf, type Surroundings, start } from './contestants.ts';
import { isPage, signedIn } from './pages.ts';
import { freePort, startServer, until } from './processes.ts';
import { inOrder, ratioOf, type Samples } from './rounds.ts';
import { pageAsJson } from './servers/page-model.ts';

/**
 * From starting the program to the first page for somebody who was signed in before, as after a deployment. The servers
 * are started as users start them, one after the other. None but this app's own loads anything of this app.
 */
export async function coldStarts(
  names: readonly Name[],
  around: Surroundings,
  rounds: number,
): Promise<Samples> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-starts-'));
  try {
    writeFileSync(pageIn(folder), pageAsJson(around.issuer));
    const starts = await inOrder(names, (name) => prepareStart(name, around, folder));
    const samples: Samples = new Map(names.map((name) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, name] of names.entries()) {
        const milliseconds = await (starts[index] as () => Promise<number>)();
        samples.get(name)?.push({ milliseconds });
      }
    }
    return samples;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whose start is measured. */
export const startedUp = ['bare', 'app', 'eoc', 'authJs', 'bareInContainer', 'appInContainer'] as const;

/** How many times as long as bare Express: started as users do, and in a container. */
export function startRatios(starts: Samples): { plain: number; inContainer: number } {
  const ratio = (name: Name, bare: Name) => ratioOf(starts, name, bare, 'milliseconds');
  return { plain: ratio('app', 'bare'), inContainer: ratio('appInContainer', 'bareInContainer') };
}

export const aboutStarts = `The others have the page's model as data, so they load Express, EJS and what they need themselves. This app asks
Node to keep what V8 compiled (src/server.ts); the others don't, as their documentation doesn't say so.

"In a container" is a read-only one whose image has what V8 compiled: for this app what the Dockerfile's step leaves,
for bare Express all that a start and a page load. Each start gets a fresh copy of it, so nothing that an earlier one
added counts.`;

async function prepareStart(
  name: Name,
  around: Surroundings,
  folder: string,
): Promise<() => Promise<number>> {
  const contestant = contestants[name];
  const running = await start(name, around);
  const { cookie } = await signedIn(running);
  await running.server.stop();

  async function firstPage(more: Record<string, string> = {}): Promise<number> {
    const port = await freePort();
    const program = programOf(contestant, port, around);
    const env = { ...program.env, PAGE_FILE: pageIn(folder), ...more };
    const startedAt = performance.now();
    const server = startServer({ ...program, env, probed: false });
    await until(
      contestant.title,
      async () => {
        const answer = await fetch(`http://127.0.0.1:${port}/profile`, {
          headers: { cookie },
          redirect: 'manual',
        });
        if (!isPage(await answer.text())) throw new Error(`the first answer was a ${answer.status}`);
      },
      2,
    );
    const elapsed = performance.now() - startedAt;
    await server.stop();
    return elapsed;
  }

  if (!contestant.container) return firstPage;
  const kept = join(folder, name);
  if (contestant.anonymous) await firstPage({ NODE_COMPILE_CACHE: kept });
  else keepAsTheImageDoes(kept);
  return async () => {
    const copy = `${kept}-copy`;
    cpSync(kept, copy, { recursive: true });
    try {
      return await firstPage({ NODE_COMPILE_CACHE: copy });
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  };
}

/** Runs the step of the Dockerfile that has V8 compile what the app loads. */
function keepAsTheImageDoes(folder: string): void {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll('\\\n', '');
  const [, step = ''] = /--eval "([^"]*)"/.exec(dockerfile) ?? [];
  execFileSync(process.execPath, ['--input-type=module', '--eval', step], {
    cwd: root,
    env: { PATH: process.env.PATH, NODE_ENV: 'production', NODE_COMPILE_CACHE: folder },
  });
}

const pageIn = (folder: string) => join(folder, 'page.json');
