import { isRecord } from './kit-file.ts';
import type { Tree } from './tree.ts';

type Json = Record<string, unknown>;

/** What a copy does not keep. */
const templateOnly = /^(scripts|bench)\//;

/**
 * The template's package.json as `npm run adopt` leaves it: without the scripts of what a copy does not keep, without
 * the packages that only these import. Otherwise each copy would seem to
 * have changed all this itself.
 */
export function asAdopted(json: Json, unused: ReadonlySet<string> = new Set()): Json {
  const scripts: Json = isRecord(json.scripts) ? json.scripts : {};
  const dependencies: Json = isRecord(json.devDependencies) ? json.devDependencies : {};
  const runs = (command: string) => command.split(/\s+/).some((word) => templateOnly.test(word));
  const gone = new Set(
    Object.keys(scripts).filter((name) => runs(String(scripts[name]).split(' && ')[0] ?? '')),
  );
  const calls = (command: string) => gone.has(/^npm run ([\w:-]+)/.exec(command)?.[1] ?? '');
  const left = (command: unknown) =>
    String(command)
      .split(' && ')
      .filter((part) => !runs(part) && !calls(part))
      .join(' && ');
  return {
    ...json,
    scripts: pick(
      scripts,
      (name) => !gone.has(name),
      (command) => inACopy(left(command)),
    ),
    devDependencies: pick(dependencies, (name) => !unused.has(name)),
  };
}

/**
 * A script of the template as a copy has it: `npm test` runs the site's tests only, and `npm run dev` starts one provider,
 * as most apps have one, and the tests, too.
 */
export function inACopy(command: string): string {
  return command
    .replace(/^vitest run --mode all$/, 'vitest run')
    .replace(/^node src\/kit\/dev\/main\.ts src\/site\.ts$/, '$& work');
}

/** The packages that only files import which a copy does not keep, and their types. */
export function templateOnlyPackages(tree: Tree): Set<string> {
  const [here, elsewhere] = [new Set<string>(), new Set<string>()];
  for (const [path, { kind }] of tree.entries) {
    if (kind !== 'file' || !/\.[jt]s$/.test(path)) continue;
    const text = tree.read(path).content.toString();
    for (const [, name = ''] of text.matchAll(
      /(?:from|import)\s*\(?\s*['"]((?:@[\w.-]+\/)?[\w.-]+)[^'"]*['"]/g,
    ))
      (templateOnly.test(path) ? here : elsewhere).add(name);
  }
  const unused = [...here].filter((name) => !elsewhere.has(name));
  return new Set(unused.flatMap((name) => [name, `@types/${name}`]));
}

function pick(from: Json, wanted: (name: string) => boolean, change = (value: unknown) => value): Json {
  const entries = Object.entries(from).filter(([name]) => wanted(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, change(value)]));
}
