import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { projectRoot } from '../folders.ts';
import { sharedFile } from './helpers/docs.ts';
import { sourcesIn } from './helpers/sources.ts';

// The image starts with what V8 compiled when it was built. There is no Docker here: the steps are read, and the one
// that fills the cache is run.

const dockerfile = sharedFile('Dockerfile');
/** What the step runs, as Docker joins its lines. */
const [, filling = ''] = /--eval "([^"]*)"/.exec((dockerfile ?? '').replaceAll('\\\n', '')) ?? [];

describe.skipIf(!dockerfile)('the Dockerfile', () => {
  test('fills the cache with what the app loads, now or when a setting asks for it', () => {
    const programs = /^(dev|doctor|operator|testing|upgrade|test)\//;
    const later = sourcesIn(join(projectRoot, 'src/kit'), '**/*.ts')
      .filter(({ name }) => !programs.test(name))
      .flatMap(({ name, text }) =>
        [...text.matchAll(/(?:await|=>|return) import\('([^']+)'\)/g)].map(([, target = '']) =>
          target.startsWith('.') ? `./${posix.join('src/kit', posix.dirname(name), target)}` : target,
        ),
      );
    expect(later.length).toBeGreaterThan(1);
    const named = [...filling.replace(/^.*?const loaded/s, '').matchAll(/'([^']+)'/g)].map(
      ([, name = '']) => name,
    );
    expect(named).toEqual(['./src/server.ts', ...named.slice(1)]);
    expect(later.filter((name) => !named.includes(name))).toEqual([]);
    expect(named.slice(1).filter((name) => !later.includes(name))).toEqual([]);
  });

  test('and that starts nothing, needs no setting, and leaves all that a start compiles', () => {
    const folder = mkdtempSync(join(tmpdir(), 'compiled '));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const node = (...args: string[]) => {
      const env = { PATH: process.env.PATH, NODE_ENV: 'production', NODE_COMPILE_CACHE: folder };
      const ended = spawnSync(process.execPath, args, { cwd: projectRoot, env, encoding: 'utf8' });
      return [ended.status, ended.stdout, ended.stderr];
    };
    const kept = () => globSync('*/*', { cwd: folder }).sort();

    expect(node('--input-type=module', '--eval', filling)).toEqual([0, '', '']);
    const filled = kept();
    expect(filled.length).toBeGreaterThan(300);

    // Once it says so, it has loaded all. What was missing, Node would add now.
    expect(node('src/server.ts')).toEqual([78, '', expect.stringContaining('OIDC_ISSUER is missing')]);
    expect(kept()).toEqual(filled);
    // As process managers do that load the app into a process of theirs.
    const imported = node('--input-type=module', '--eval', `await import('./src/server.ts')`);
    expect(imported).toEqual([78, '', expect.stringContaining('OIDC_ISSUER is missing')]);
  });

  test('makes it for the path, the Node and the user that the app has later', () => {
    const stages = (dockerfile ?? '').split(/^(?=FROM )/m).filter((each) => each.startsWith('FROM '));
    const [, filled = '', final = ''] = stages;
    for (const each of stages) expect(each).toMatch(/^FROM node:26-slim\b/);
    for (const each of [filled, final]) {
      expect(each).toContain('NODE_COMPILE_CACHE=/app/.compile-cache');
      expect(each).toContain('WORKDIR /app');
    }
    // `node` in the official image is 1000. Files of a cache are readable for their owner alone as Node makes them.
    expect(filled).toMatch(/^USER node\nRUN node .*\n(?:.*\n)*? {2}&& chmod -R a\+rX \.compile-cache$/m);
    expect(final).toContain('USER 1000:1000');
    expect(final).toContain('COPY --from=app /app ./');
    expect(final).not.toMatch(/chown (?!node:node data$)/m);
  });

  test('asks /healthz, not /readyz, whether the container is alive', () => {
    const [check = ''] = /^HEALTHCHECK [\s\S]*?\n(?=CMD)/m.exec(dockerfile ?? '') ?? [];
    expect(check).toContain('/healthz');
    expect(check).not.toContain('/readyz');
  });
});
