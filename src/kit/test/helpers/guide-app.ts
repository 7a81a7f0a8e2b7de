import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { projectRoot } from '../../folders.ts';
import { codeBlocks, fileOf, section } from './docs.ts';

export interface GuideApp {
  folder: string;
  remove(): void;
}

/**
 * The app that somebody has who followed a guide to its end, in a folder of its own: the kit, the guide's files, and a
 * `src/site.ts` of all that the guide puts into it. The layout is that of the kit's test site.
 */
export function createGuideApp(guide: string): GuideApp {
  const folder = mkdtempSync(join(tmpdir(), 'app of the guide '));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const kit = join(projectRoot, 'src/kit');
  cpSync(kit, join(folder, 'src/kit'), { recursive: true, filter: (path) => path !== join(kit, 'test') });
  cpSync(join(kit, 'test/site/views'), join(folder, 'views'), { recursive: true });
  cpSync(join(kit, 'test/site/public'), join(folder, 'public'), { recursive: true });
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const { imports } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));
  write('package.json', JSON.stringify({ type: 'module', private: true, imports }));
  const typescript = {
    extends: join(projectRoot, 'tsconfig.json'),
    include: ['src/site.ts', 'src/pages', 'src/data', 'test'],
    exclude: [],
  };
  write('tsconfig.json', JSON.stringify(typescript));

  // What it says to write instead of what it said before is another app.
  const instead = section(guide, 'PostgreSQL instead of SQLite');
  const files = codeBlocks(guide.replace(instead, () => '')).flatMap(({ code }) => {
    const path = fileOf(code);
    return path === undefined ? [] : [{ path, code }];
  });
  for (const { path, code } of files) if (path !== site) write(path, code);
  write(site, siteOf(files));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

const site = 'src/site.ts';

/** The guide's first `src/site.ts`, with what later blocks add to it, and with each page of the guide listed. */
function siteOf(files: readonly { path: string; code: string }[]): string {
  const [whole = '', ...additions] = files.filter(({ path }) => path === site).map(({ code }) => code);
  const pages = files
    .filter(({ path }) => path.startsWith('src/pages/'))
    .flatMap(({ path, code }) =>
      [...code.matchAll(/export const (\w+Page) =/g)].map(([, name = '']) => ({
        name,
        from: path.replace('src', '.'),
      })),
    );
  const lines = additions.flatMap((code) => code.split('\n').slice(1));
  const isImport = (line: string) => line.startsWith('import ');
  const imports = [
    ...lines.filter(isImport),
    ...pages
      .filter(({ name }) => !new RegExp(`import .*\\b${name}\\b`).test(whole))
      .map(({ name, from }) => `import { ${name} } from '${from}';`),
  ];
  const properties = [
    ...lines.filter((line) => !isImport(line)),
    `  pages: () => [${pages.map(({ name }) => name).join(', ')}],`,
  ];
  return whole
    .replace(/^ {2}pages: .*\n/m, () => `${properties.join('\n')}\n`)
    .replace(/^import /m, () => `${imports.join('\n')}\nimport `);
}
