import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { readArguments, shown } from '../upgrade/arguments.ts';
import { readKit } from '../upgrade/kit-file.ts';
import { isPlain } from '../upgrade/lockfile.ts';
import { sameButForCapitals } from '../upgrade/names.ts';
import { mergePackages } from '../upgrade/packages.ts';
import { quoted } from '../upgrade/refusal.ts';

// What an upgrade reads: the command line, and kit.json and package.json of a template that may be hostile.

describe('the command line', () => {
  test.each([
    ['nothing', [], /^Say where the newer template is\.[\s\S]*npm run upgrade --/],
    ['an empty word', [''], /^Say where the newer template is\./],
    ['two folders', ['../template', '../template'], /one too many/],
    ['an option that there is not', ['../template', '--force'], /^Unknown option '--force'/],
    ['--base without a folder', ['../template', '--base'], /--base/],
    ['--base twice', ['../template', '--base', '.', '--base', '.'], /^Say --base once/],
    ['--base of a folder that is missing', ['..', '--base', '../nowhere'], /^--base: there is no folder/],
    ['a folder that is missing', ['../nowhere'], /^There is no folder "\.\.\/nowhere"/],
    ['an option of git', ['--upload-pack=touch ../ran'], /^Unknown option/],
    ['an option of git after two dashes', ['--', '--upload-pack=touch ../ran'], /is an option, not a folder/],
    [
      'an address that runs a program',
      ['ext::sh -c touch% ../ran'],
      /is not accepted: the template is a folder/,
    ],
    ['a file address', ['file:///etc'], /is not accepted/],
    ['an http address', ['http://example.com/template'], /is not accepted/],
    ['an address of git without a proof', ['git://example.com/template'], /is not accepted/],
    ['a host that is an option', ['ssh://-oProxyCommand=touch%20ran/x'], /is not accepted/],
    ['a short host that is an option', ['git@-oProxyCommand=touch ran:x'], /^There is no folder/],
  ])('refuses %s', (_what, args, words) => {
    expect(() => readArguments(args, import.meta.dirname)).toThrow(words);
  });

  test.each([
    ['https://example.com/template.git', 'address'],
    ['ssh://git@example.com:2222/template.git', 'address'],
    ['git@example.com:me/template.git', 'address'],
    ['..', 'folder'],
    [import.meta.dirname, 'folder'],
  ])('takes %s as %s', (from, kind) => {
    expect(readArguments([from, '--merge'], import.meta.dirname)).toMatchObject({
      from: { kind },
      merge: true,
    });
  });
});

test.each([
  ['https://me:hunter-22@example.com/t.git', 'https://example.com/t.git'],
  ['https://hunter-22@example.com/@me/t.git', 'https://example.com/@me/t.git'],
  ['https://me:hunter/22@example.com/t.git', 'https://example.com/t.git'],
  ['https://example.com/t.git?private_token=hunter-22', 'https://example.com/t.git'],
  ['ssh://git@example.com:2222/t.git', 'ssh://example.com:2222/t.git'],
  ['git@example.com:me/t.git', 'git@example.com:me/t.git'],
])('the address %s is printed as %s', (address, printed) => {
  expect(shown(address)).toBe(printed);
});

describe('a template', () => {
  test.each([
    ['files', '../outside.ts', /names "\.\.\/outside\.ts": the name leads out of its folder/],
    ['files', 'src/kit/../../outside.ts', /leads out of its folder/],
    ['files', '/tmp/outside.ts', /leads out of its folder/],
    ['files', 'src\\kit\\outside.ts', /has a character that a name may not have/],
    // A letter with an accent can be written in two ways, which macOS takes for the same name.
    ['shared', 'docs/caf\u00e9.md', /has a character that a name may not have/],
    ['start', 'views/caf\u0065\u0301.ejs', /has a character that a name may not have/],
    ['files', 'src/pages/home.ts', /lists "src\/pages\/home\.ts" as a file of the kit/],
    ['shared', '.git/hooks/post-commit', /is not for a template to write/],
    ['shared', 'docs/GIT~1/config', /is not for a template to write/],
    ['shared', 'docs/../.env', /leads out of its folder/],
    ['shared', 'package.json', /shares "package\.json", which is the site's own/],
    ['shared', 'src/site.ts', /is the site's own/],
    ['shared', '.env', /is the site's own/],
    ['shared', '.env.local', /is the site's own/],
    ['shared', 'npm-shrinkwrap.json', /is the site's own/],
    ['shared', 'deploy/.npmrc', /is the site's own/],
    ['shared', 'PACKAG~1.JSO', /is not for a template to write/],
  ])('whose kit.json lists in "%s" the name %s is refused', (list, path, words) => {
    const kit = {
      name: 'a-template',
      version: '1.0.0',
      files: {},
      shared: {},
      [list]: { [path]: 'a'.repeat(64) },
    };
    expect(() => readKit(JSON.stringify(kit), 'kit.json')).toThrow(words);
  });

  test.each([
    ...['src/server.ts', 'tsconfig.json', 'biome.json', 'knip.json', 'vitest.config.ts', 'Dockerfile'],
    ...['compose.yaml', '.dockerignore', '.gitattributes', '.env.example'],
    ...['deploy/nginx.conf', '.ci/run', '.github/workflows/ci.yml', 'docs/guide.md'],
  ])('may share %s', (path) => {
    expect(sharing(path)).toMatchObject({ shared: new Map([[path, 'a'.repeat(64)]]), elsewhere: [] });
  });

  test.each([
    ...['.vscode/tasks.json', '.husky/pre-commit', '.gitmodules', '.idea/runConfigurations/run.xml'],
    ...['.devcontainer/devcontainer.json', '.claude/settings.json', 'Makefile', 'src/other.ts'],
    ...['Docs/guide.md', 'docs', 'my/docs/guide.md', 'biome.jsonc'],
  ])('that shares %s, which no copy shares with it, is taken without that', (path) => {
    expect(sharing(path)).toMatchObject({ shared: new Map(), elsewhere: [path] });
  });

  test("lists as the start of a copy only what is the site's own", () => {
    const [start, hash] = [['views/home.ejs', 'test/a.test.ts', 'src/kit/a.ts', 'docs/a.md'], 'a'.repeat(64)];
    const kit = { name: 'a', version: '1.0.0', files: {}, shared: {}, start: {} };
    kit.start = Object.fromEntries(start.map((path) => [path, hash]));
    const read = readKit(JSON.stringify(kit), 'kit.json');
    expect([...(read.start?.keys() ?? [])]).toEqual(['views/home.ejs', 'test/a.test.ts']);
  });

  test.each([
    [['src/a.ts', 'src/b.ts', 'src/a/c.ts'], undefined],
    [
      ['docs/a.md', 'docs/A.md'],
      ['docs/a.md', 'docs/A.md'],
    ],
    [
      ['docs/a/b.md', 'Docs/c.md'],
      ['docs', 'Docs'],
    ],
  ])('with the names %j has those that differ in capitals only: %j', (names, found) => {
    expect(sameButForCapitals(names)).toEqual(found);
  });

  test.each([
    'not JSON',
    '{}',
    '[]',
    '{"name":"a-template","version":"2"}',
    '{"name":"a-template","version":"2.0.0","files":[]}',
    '{"name":"a-template","version":"2.0.0","files":{"src/kit/a.ts":1}}',
  ])('whose kit.json is %s is refused', (text) => {
    expect(() => readKit(text, 'kit.json')).toThrow(/kit\.json/);
  });

  test.each([
    'git+ssh://git@example.com/x.git',
    'file:../../outside',
    'github:somebody/x',
    'somebody/x',
    'https://example.com/x.tgz',
  ])('that asks for a package from %s is refused', (range) => {
    expect(() => mergePackages({}, {}, { dependencies: { made: range } })).toThrow(
      /^The template's package\.json asks for made ".*"\. Only versions from the registry/,
    );
  });

  test.each<[string, boolean, string, object]>([
    ['without an address', true, 'node_modules/made', {}],
    ['of a scope, below another', true, 'node_modules/b/node_modules/@a/c', {}],
    [
      'with an address',
      false,
      'node_modules/made',
      { resolved: 'https://packages.example/made/-/made-1.0.0.tgz' },
    ],
    ['by another name', false, 'node_modules/made', { name: 'evil' }],
    ['of a repository', false, 'node_modules/made', { version: 'git+ssh://git@evil.example/x.git' }],
    ['that is a link', false, 'node_modules/made', { link: true, resolved: 'evil' }],
    ['of a folder', false, 'evil', {}],
  ])('whose package-lock.json has a package %s: taken is %s', (_what, taken, path, more) => {
    const made = { version: '1.0.0', ...more };
    expect(isPlain({ packages: { '': { name: 'a-template' }, [path]: made } })).toBe(taken);
  });
});

function sharing(path: string) {
  const kit = { name: 'a-template', version: '1.0.0', files: {}, shared: { [path]: 'a'.repeat(64) } };
  return readKit(JSON.stringify(kit), 'kit.json');
}

test.each([
  'docs/guide.md',
  '@scope/a file',
  '-rf',
  '~/x',
  '`touch ran`',
  '$(touch ran)',
  '"; touch ran; "',
  "'; touch ran; '",
  '!!',
  '{a,b}*',
])('a command names the file %s as one word', (name) => {
  const { stdout } = spawnSync('sh', ['-c', `printf %s x${quoted(name)}`], { encoding: 'utf8' });
  expect(stdout).toBe(`x${name}`);
});
