import { expect, test } from 'vitest';
import { checkSite } from '../testing/index.ts';
import { anyPage, type SmallSite, smallSite } from './helpers/small-site.ts';

// A script that can't be parsed does nothing at all, and only the browser's console says so.

async function problemsOf(parts: SmallSite): Promise<string[]> {
  const { site, root } = smallSite(parts);
  const error: unknown = await checkSite(site, { root }).catch((reason: unknown) => reason);
  return error instanceof Error ? error.message.split('\n').slice(1) : [];
}

const withScript = (text: string, view = '<h1>Own</h1>'): SmallSite => ({
  views: { own: view },
  files: { 'public/own.js': text },
  pages: [anyPage({ path: '/own', view: 'own', script: '/own.js' })],
});

const module = `<script type="module" src="<%= page.asset('/own.js') %>"></script>`;

test('checkSite names a script that no browser can parse, with its line', async () => {
  expect(await problemsOf(withScript('const a = 1;\nconst b = (a;\n'))).toEqual([
    "- public/own.js:2: it can't be parsed, so browsers don't run any of it: Unexpected token ';'.",
  ]);
  const files = {
    'public/js/a.js': '}',
    'public/b.mjs': 'import a from;',
    'public/c.js': 'export default (;',
  };
  const found = await problemsOf({ files });
  expect(found.map((problem) => problem.split(' ')[1]).sort()).toEqual([
    'public/b.mjs:1:',
    'public/c.js:1:',
    'public/js/a.js:1:',
  ]);
});

test.each([
  ['waits at its top level', "const a = 1;\nawait fetch('/own');\n", 2],
  ['imports', "import { a } from './a.js';\n", 1],
  ['exports', 'const a = 1;\n\nexport { a };\n', 3],
])("checkSite says that a page's `script` is no module, where it %s", async (_what, text, line) => {
  const [problem, ...others] = await problemsOf(withScript(text));
  expect(others).toEqual([]);
  expect(problem).toContain(`- public/own.js:${line}: it can't be parsed`);
  expect(problem).toContain(`A page's \`script\` is no module: put it into a function`);
  expect(problem).toContain(`or write ${module} into the view`);
});

test('checkSite says the same of a plain script that a view includes', async () => {
  const view = `<h1>Own</h1><script src="<%= page.asset('/own.js') %>" defer></script>`;
  const parts = { ...withScript('await 1;', view), pages: [anyPage({ path: '/own', view: 'own' })] };
  const [problem, ...others] = await problemsOf(parts);
  expect(others).toEqual([]);
  expect(problem).toContain(`It is included as a plain script: write ${module}.`);
});

test('checkSite passes scripts in order, modules that a view includes, and what these import', async () => {
  const parts = withScript(
    "import { a } from './js/a.js';\nawait a();\n",
    `<h1>Own</h1><script type="module" src="<%= page.asset('/own.js') %>"></script>`,
  );
  const files = {
    ...parts.files,
    'public/js/a.js': 'export const a = async () => {};\n',
    'public/plain.js': "#!/usr/bin/env node\n(async () => { await import('./js/a.js'); })();\n",
    'public/data.json': 'no script',
  };
  const pages = [
    anyPage({ path: '/own', view: 'own' }),
    anyPage({ path: '/plain', view: 'plain', script: '/plain.js' }),
  ];
  expect(await problemsOf({ files, pages, views: { ...parts.views, plain: '<h1>Plain</h1>' } })).toEqual([]);
});
