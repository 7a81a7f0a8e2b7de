import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { settings } from '../config/index.ts';
import { signInFailures } from '../errors/reasons.ts';
import { texts } from '../errors/texts.ts';
import { projectRoot } from '../folders.ts';
import { isOurName } from '../http/cookies.ts';
import { listRoutes } from '../http/methods.ts';
import { auditEvents } from '../log/index.ts';
import { kitNames } from '../pages/kit-names.ts';
import { kitPages } from '../pages/kit-pages.ts';
import { startAppWithRoutes } from './helpers/app-with-routes.ts';
import {
  codeBlocks,
  fileOf,
  inBackquotes,
  inCopy,
  kitDoc,
  kitDocs,
  namedIn,
  readDoc,
  section,
  withoutCode,
} from './helpers/docs.ts';
import { filesImportedBy, importsOf, sourcesIn } from './helpers/sources.ts';

// What docs/*.md say is what the code does. Where an app's owner has changed or deleted a page of docs, it is theirs and
// is not looked at.

const kit = join(projectRoot, 'src/kit');
const [design, guide, reference] = ['design', 'guide', 'reference'].map((name) => kitDoc(`docs/${name}.md`));
const renewal = 'Renew the table: npm run test:kit -- src/kit/test/docs.test.ts -u';
const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8'));

describe.skipIf(!kitDoc('docs/settings.md'))('docs/settings.md', () => {
  test('has the settings that the code reads, with their defaults and meanings', async () => {
    const rows = settings.map(({ name, default: standard, meaning, secret }) => {
      return `| \`${name}\` | ${standard === undefined ? '' : `\`${standard}\``} | ${meaning}${secret ? ' (secret)' : ''} |\n`;
    });
    const renewed = withTable(readDoc('docs/settings.md'), ['name', 'default', 'meaning'], rows);
    await expect(renewed, renewal).toMatchFileSnapshot(join(projectRoot, 'docs/settings.md'));
  });
});

describe.skipIf(!kitDoc('docs/texts.md'))('docs/texts.md', () => {
  test('has every text of the kit, by its key', async () => {
    const rows = Object.entries<string | readonly string[]>(texts).map(([key, text]) => {
      // What GitHub would read as HTML, or as the end of a column, is text.
      const lines = [text].flat().map((line) => line.replaceAll('<', '&lt;').replaceAll('|', '\\|'));
      return `| \`${key}\` | ${lines.join('<br>')} |\n`;
    });
    const renewed = withTable(readDoc('docs/texts.md'), ['key', 'in English'], rows);
    await expect(renewed, renewal).toMatchFileSnapshot(join(projectRoot, 'docs/texts.md'));
  });
});

describe.skipIf(!reference)('docs/reference.md', () => {
  test('names each audit event there is', () => {
    const named = namedIn(section(reference ?? '', 'Audit events'), 0);
    expect(named.sort()).toEqual([...auditEvents].sort());
  });

  test('says of each reason why a sign-in failed, with its status', () => {
    const rows = section(reference ?? '', 'Why a sign-in failed')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split(' | '));
    const named = rows.flatMap(([names = '', status]) =>
      inBackquotes(names).map((reason) => [reason, Number(status)]),
    );
    expect(Object.fromEntries(named)).toEqual(signInFailures);
    expect(named).toHaveLength(Object.keys(signInFailures).length);
  });

  test('names the metrics and spans that the code makes', () => {
    const text = section(reference ?? '', 'Metrics and traces');
    const code = sourcesIn(kit, 'telemetry/*.ts')
      .map((file) => file.text)
      .join('\n');
    const metrics = code.matchAll(/(?:counter|gauge|createHistogram)\(\s*'([\w.]+)'/g);
    const named = namedIn(text, 0).filter((name) => !name.startsWith('OTEL_') && !name.startsWith('…'));
    expect(named.sort()).toEqual([...metrics].map(([, name]) => name).sort());
    for (const [, variable = ''] of code.matchAll(/'(OTEL_\w+)'/g)) expect(text).toContain(`\`${variable}\``);
    for (const [, span = ''] of code.matchAll(/inSpan\('([\w.]+)'/g)) expect(text).toContain(`\`${span}\``);
  });
});

describe.skipIf(!design)('docs/design.md', () => {
  const text = design ?? '';

  test('has the addresses that the kit answers, and no other', async () => {
    const away = {
      OIDC_ISSUER: 'http://127.0.0.1:9',
      OIDC_CLIENT_ID: 'app',
      OIDC_CLIENT_SECRET: 'not used here',
    };
    const { express, stop } = await startAppWithRoutes(away, {});
    const served = listRoutes(express)
      .filter(({ path }) => /^\/(auth\/|healthz$|readyz$)/.test(path) || isOfKitPage(path))
      .flatMap(({ path, methods }) => methods.map((method) => `${method} ${path}`));
    await stop();
    expect([...new Set(namedIn(section(text, 'Addresses'), 0))].sort()).toEqual([...new Set(served)].sort());
  });

  test('has each cookie that the kit knows as its own', () => {
    const named = namedIn(section(text, 'Cookies'), 0).map((name) => name.replace('<id>', 'id'));
    expect(named.filter((name) => !isOurName(name))).toEqual([]);
    const source = readFileSync(join(kit, 'http/cookies.ts'), 'utf8');
    const plain = /\[('session',[^\]]*)\]/.exec(source)?.[1] ?? '';
    const known = [...plain.matchAll(/'([\w-]+)'/g)].map(([, name]) => name);
    expect([...known, 'login-id'].sort()).toEqual(named.sort());
  });

  test.each([
    ['How a page view flows', 9],
    ['How a sign-in flows', 9],
    ['How a sign-out flows', 6],
  ])('%s in at most twelve files, all there', (title, least) => {
    const steps = section(text, title).match(/^\d+\. `.*$/gm) ?? [];
    expect(steps.length).toBeGreaterThanOrEqual(least);
    expect(steps.length).toBeLessThanOrEqual(12);
    for (const step of steps) {
      const [file = '', ...names] = inBackquotes(step).filter((name) => !/^[A-Z]+ \//.test(name));
      const source = readFileSync(join(projectRoot, file), 'utf8');
      // The first name is the function that a step is about; the others may be anything.
      const [name] = names.filter((each) => /^[a-z]+([A-Z][a-z]+)+$/.test(each));
      if (name) expect(source, `${file} has no ${name}`).toMatch(new RegExp(`(function|const) ${name}\\b`));
    }
  });

  test('has each part of the kit, in the order in which they import', () => {
    const rows = section(text, 'Where things are')
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) => inBackquotes(line.split(' | ')[0] ?? ''))
      .slice(1);
    const partOf = (path: string) => (path.includes('/') ? `${path.split('/')[0]}/` : path);
    const rank = (path: string) => rows.findIndex((row) => row.includes(partOf(path)));
    for (const file of sourcesIn(kit, '**/*.ts').filter(({ name }) => rank(name) >= 0)) {
      for (const target of filesImportedBy(file)) {
        if (rank(target) < 0 || partOf(target) === partOf(file.name)) continue;
        expect(rank(target), `${file.name} imports ${target}`).toBeGreaterThan(rank(file.name));
      }
    }
    const named = inBackquotes(withoutCode(section(text, 'Where things are')));
    const folders = readdirSync(kit, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of folders) expect(named, `src/kit/${name}`).toContain(`${name}/`);
  });

  test('has each rule that a comment or a test names, and the file of each wait', () => {
    const rules = [...section(text, 'Rules').matchAll(/^\| (R\d+) \|/gm)].map(([, rule = '']) => rule);
    expect(rules).toEqual(rules.map((_rule, index) => `R${index + 1}`));
    const sources = [...sourcesIn(kit, '**/*.ts'), ...sourcesIn(kit, '**/*.ejs')];
    const named = sources.flatMap(({ text: source }) => source.match(/\bR\d{1,2}(?=[),: ;-])/g) ?? []);
    expect([...new Set(named)].filter((rule) => !rules.includes(rule))).toEqual([]);
    for (const { name, text: source } of sources.filter((one) => one.name !== 'test/docs.test.ts'))
      expect(source, `${name} refers to a document that no copy has`).not.toMatch(/\bDESIGN\b/);
    for (const file of inBackquotes(section(text, 'How long things wait')).filter((one) =>
      one.endsWith('.ts'),
    ))
      expect(existsSync(join(kit, file)), file).toBe(true);
  });

  test('has a reason for each package that the kit imports', () => {
    const explained = section(text, 'Dependencies');
    const imported = sourcesIn(kit, '**/*.ts')
      .flatMap(({ text }) => importsOf(text).map(({ from }) => from))
      .filter((from) => /^(@[\w-]+\/)?[a-z][\w.-]*(\/|$)/.test(from) && !from.startsWith('node:'))
      .map((from) => /^(@[\w-]+\/)?[^/]+/.exec(from)?.[0] ?? '');
    const packages = [...new Set(imported)].sort();
    expect(packages.length).toBeGreaterThan(15);
    expect(packages.filter((name) => !explained.includes(`\`${name}\``))).toEqual([]);
  });
});

describe.skipIf(!guide)('docs/guide.md', () => {
  test('has each name that #kit exports, with a sentence', () => {
    const index = readFileSync(join(kit, 'index.ts'), 'utf8');
    const exported = [...index.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, names = '']) =>
      names.split(',').map((name) => name.replace(/^\s*type\s/, '').trim()),
    );
    const table = section(guide ?? '', 'What `#kit` exports');
    expect(namedIn(table, 0).sort()).toEqual(exported.filter((name) => name !== '').sort());
    expect(table.match(/\|\s*\|$/gm) ?? []).toEqual([]);
  });

  test('has each part that defineSite takes', () => {
    const source = readFileSync(join(kit, 'site.ts'), 'utf8');
    const definition = /^export interface SiteDefinition[\s\S]*?^}/m.exec(source)?.[0] ?? '';
    const parts = [...definition.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name);
    expect(parts.length).toBeGreaterThan(10);
    const named = namedIn(section(guide ?? '', 'Your app in one place'), 0);
    expect(parts.filter((name) => !named.includes(name ?? ''))).toEqual([]);
  });

  test('has each part that definePage takes', () => {
    const source = readFileSync(join(kit, 'pages/page.ts'), 'utf8');
    const interfaces = [...source.matchAll(/^(?:export )?interface (?:Described|P\w+Page)\b[\s\S]*?^}/gm)];
    const parts = interfaces.flatMap(([text]) =>
      [...text.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name = '']) => name),
    );
    const table = section(guide ?? '', 'A public page').split('| part |')[1] ?? '';
    const named = table.split('\n').flatMap((row) => /^\| `(\w+)` \|/.exec(row)?.[1] ?? []);
    expect(named.sort()).toEqual([...new Set(parts)].sort());
  });

  test('has each view of the kit that can be replaced', () => {
    const views = globSync('**/*.ejs', { cwd: join(kit, 'views') }).map((file) => file.replaceAll('\\', '/'));
    const named = namedIn(section(guide ?? '', "Replace one of the kit's pages"), 0);
    expect(named.sort()).toEqual(views.map((file) => file.replace(/\.ejs$/, '')).sort());
  });

  test('has the classes that its own views take from kit.css, and none that is not there', () => {
    const classesIn = (text: string, pattern: RegExp) =>
      [...text.matchAll(pattern)].flatMap(([, names = '']) => names.split(/\s+/));
    const styled = classesIn(readFileSync(join(kit, 'public/kit.css'), 'utf8'), /\.([a-z][a-z-]*)/g);
    const named = namedIn(section(guide ?? '', 'Classes'), 0).map((name) => name.slice(1));
    expect(named.filter((name) => !styled.includes(name))).toEqual([]);
    const views = codeBlocks(guide ?? '').filter(({ code }) => /^<%# views\/(?!partials)/.test(code));
    const used = views.flatMap(({ code }) => classesIn(code, / class="([^"<]+)"/g));
    expect(used.length).toBeGreaterThan(30);
    expect(used.filter((name) => styled.includes(name) && !named.includes(name))).toEqual([]);
  });

  test("has each name that a page's model can't return", () => {
    const sentence = /^A model can't return .*$/m.exec(guide ?? '')?.[0] ?? '';
    expect(inBackquotes(sentence).sort()).toEqual([...kitNames].sort());
  });

  test('has each custom property that kit.css uses', () => {
    const used = readFileSync(join(kit, 'public/kit.css'), 'utf8').matchAll(/^ {2}(--[\w-]+):/gm);
    for (const [, name = ''] of used) expect(guide).toMatch(new RegExp(`${name}\\b`));
  });
});

describe.each(kitDocs())('%s', (path) => {
  const text = readDoc(path);

  test('names npm scripts that package.json has', () => {
    const named = [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map((match) => match[1] ?? '');
    // An app's owner may take a script out; adopting takes itself out.
    if (!inCopy) expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  test('links to pages and headings that are there', () => {
    const links = [...withoutCode(text).matchAll(/\]\(([^()\s]+)\)/g)].map((match) => match[1] ?? '');
    const broken = links.filter((link) => {
      if (/^[a-z]+:/.test(link)) return false;
      const [file = '', heading] = link.split('#');
      const target = file === '' ? path : join(dirname(path), file);
      if (!existsSync(join(projectRoot, target))) return !inCopy;
      return heading !== undefined && !headingsOf(readDoc(target)).includes(heading);
    });
    expect(broken).toEqual([]);
  });

  test('names files that are there', () => {
    const files = inBackquotes(withoutCode(text)).filter((name) =>
      /^(src|test|views|public|docs|deploy)\/[\w./-]+$/.test(name),
    );
    // In an app, what is not the kit's is its owner's.
    const wanted = files.filter((file) => (inCopy ? file.startsWith('src/kit/') : !examples.includes(file)));
    expect(wanted.filter((file) => !existsSync(join(projectRoot, file)))).toEqual([]);
  });

  test('says nothing of the template that a copy does not have', () => {
    const template =
      /express[ -]confidential[ -]web[ -]app|\bbench\b|\bscripts\/|(?<![.\w])\/(api-data|notes|profile)\b/i;
    expect(text.split('\n').filter((line) => template.test(line))).toEqual([]);
  });

  test('is in usual words', () => {
    const odd = /\b(mend(s|ed)?|doors?|rooms?|houses?|is told|whoever has)\b/i;
    expect(
      withoutCode(text)
        .split('\n')
        .filter((line) => odd.test(line)),
    ).toEqual([]);
  });
});

/** Files that the guide says one may add. */
const examples = [
  ...['src/mail/', 'public/kit.css'],
  ...codeBlocks(guide ?? '').flatMap(({ code }) => fileOf(code) ?? []),
];

function isOfKitPage(path: string): boolean {
  return kitPages.some((page) => path === page.path || path.startsWith(`${page.path}/`));
}

/** The text with these rows in the first table that has such a head. */
function withTable(text: string, columns: readonly string[], rows: readonly string[]): string {
  const head = `\n| ${columns.join(' | ')} |\n|${columns.map(() => '---|').join('')}\n`;
  const at = text.indexOf(head);
  if (at < 0) throw new Error(`no table with the columns ${columns.join(', ')}`);
  const rest = text.slice(at + head.length).replace(/^(\|.*\n)*/, '');
  return text.slice(0, at) + head + rows.join('') + rest;
}

/** As GitHub makes them: `## What #kit exports` is `#what-kit-exports`. */
function headingsOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/ /g, '-'),
  );
}

test('blocks of code are found', () => {
  expect(codeBlocks('a\n```ts\nlet a;\n```\nb\n```\nc\n```\n')).toEqual([
    { language: 'ts', code: 'let a;\n' },
    { language: '', code: 'c\n' },
  ]);
});
