import { describe, expect, test } from 'vitest';
import {
  changesIn,
  type FreshProjects,
  json,
  numbered,
  type Project,
  release,
  useFreshProjects,
} from './helpers/upgrade-projects.ts';

// What the template changed that concerns the site's own files: views in the place of the kit's, the files that it began
// with, texts that it replaces. An upgrade changes none of them, and hides none of it.

let template: Project;
let copy: Project;
useFreshProjects((fresh: FreshProjects) => {
  ({ template, copy } = fresh);
});

const kitView = 'src/kit/views/sessions.ejs';
const improved = numbered('sessions').replace('sessions 2\n', 'sessions 2, safer\n');
/** A version in which the kit's view has changed, and nothing else. */
const releaseView = (text = improved) => release(template.write({ [kitView]: text }), '1.1.0');

describe('a view of the site that replaces one of the kit', { timeout: 60_000 }, () => {
  const mine = () => numbered('sessions').replace('sessions 5\n', 'sessions 5, mine\n');

  test('is named where the kit changed its own, and upgrade.patch brings the change into it', () => {
    copy.write({ 'views/sessions.ejs': mine() }).commit();
    releaseView();
    const { status, stdout } = copy.upgrade('../template');
    expect([status, copy.read('views/sessions.ejs')]).toEqual([0, mine()]);
    expect(stdout).toMatch(
      /What to do now[\s\S]*views\/sessions\.ejs replaces a kit view that changed: see upgrade\.patch/,
    );
    copy.git('apply', 'upgrade.patch');
    expect(copy.read('views/sessions.ejs')).toBe(improved.replace('sessions 5\n', 'sessions 5, mine\n'));
  });

  test('is named where both changed the same lines, and the change is shown to be read', () => {
    copy.write({ 'views/sessions.ejs': 'Another page.\n' }).commit();
    releaseView();
    const { stdout } = copy.upgrade('../template');
    expect(stdout).toContain('views/sessions.ejs replaces a kit view that changed: see upgrade-by-hand.md');
    const text = copy.read('upgrade-by-hand.md');
    expect(text).toContain(
      `## views/sessions.ejs\n\nYours replaces ${kitView}, which changed:\n\n~~~~diff\n`,
    );
    expect(text).toMatch(/^-\/\/ sessions 2\n\+\/\/ sessions 2, safer$/m);
    expect(copy.has('upgrade.patch')).toBe(false);
  });

  test('is named where the kit has a view of that name from now on', () => {
    copy.write({ 'views/kit/new.ejs': 'Mine.\n' }).commit();
    release(template.write({ 'src/kit/views/kit/new.ejs': 'New.\n' }), '1.1.0');
    copy.upgrade('../template');
    expect(copy.read('upgrade-by-hand.md')).toMatch(
      /## views\/kit\/new\.ejs\n\nYours replaces src\/kit\/views\/kit\/new\.ejs, which is new:[\s\S]*\n\+New\.\n/,
    );
  });

  test('is named with an edit inside the kit, too, where --merge carries that over', () => {
    copy.write({ 'views/sessions.ejs': mine(), [kitView]: `${numbered('sessions')}// edited\n` }).commit();
    releaseView();
    const { stdout } = copy.upgrade('../template', '--merge');
    expect(stdout).toContain('views/sessions.ejs replaces a kit view that changed: see upgrade.patch');
    expect(copy.read('upgrade.patch')).not.toContain(kitView);
  });

  test.each([
    ['the kit has not changed its own', () => numbered('sessions'), mine],
    ['it has the change already', () => improved, () => improved],
  ])('is not named where %s', (_what, theirs, yours) => {
    copy.write({ 'views/sessions.ejs': yours() }).commit();
    releaseView(theirs());
    expect(copy.upgrade('../template').stdout).not.toContain('views/sessions.ejs');
    expect([copy.has('upgrade.patch'), copy.has('upgrade-by-hand.md')]).toEqual([false, false]);
  });
});

describe('a file that the site began with', { timeout: 60_000 }, () => {
  const better = () => numbered('top').replace('top 2\n', 'top 2, better\n');
  const releaseStart = () =>
    release(
      template.write({ 'views/partials/top.ejs': better(), 'views/partials/menu.ejs': 'Menu\n' }),
      '1.1.0',
    );

  test('and left as it came stays; upgrade.patch has what the template changed, and what it added', () => {
    releaseStart();
    const { stdout } = copy.upgrade('../template');
    expect(copy.read('views/partials/top.ejs')).toBe(numbered('top'));
    expect(stdout).toContain(
      '- views/partials/top.ejs: yours from the start, and as it came; what the template changed is in upgrade.patch',
    );
    expect(stdout).toContain('- views/partials/menu.ejs: new in the template');
    copy.git('apply', 'upgrade.patch');
    expect(copy.read('views/partials/top.ejs')).toBe(better());
    expect(copy.read('views/partials/menu.ejs')).toBe('Menu\n');
  });

  test('and changed is named only', () => {
    copy.write({ 'views/partials/top.ejs': better().replace('better', 'ours') }).commit();
    releaseStart();
    const { stdout } = copy.upgrade('../template');
    expect(stdout).toMatch(/- views\/partials\/top\.ejs: yours from the start, and changed by both/);
    expect(copy.read('upgrade.patch')).not.toContain('top.ejs');
  });

  test('and deleted is not spoken of', () => {
    copy.write({ 'views/partials/top.ejs': null }).commit();
    releaseStart();
    expect(copy.upgrade('../template').stdout).not.toContain('top.ejs');
  });

  test('is not spoken of in a copy whose kit.json does not list such files', () => {
    const { start: _start, ...kit } = JSON.parse(copy.read('src/kit/kit.json'));
    copy.write({ 'src/kit/kit.json': json(kit) }).commit();
    releaseStart();
    expect(copy.upgrade('../template').stdout).not.toContain('views/');
    expect(copy.has('upgrade.patch')).toBe(false);
  });

  test('in the place of a view of the kit changes with the template, not with the kit', () => {
    template.write({ 'views/sessions.ejs': numbered('sessions') });
    const kit = JSON.parse(copy.read('src/kit/kit.json'));
    release(template, '1.0.0', { tag: false });
    kit.start = JSON.parse(template.read('src/kit/kit.json')).start;
    copy.write({ 'views/sessions.ejs': numbered('sessions'), 'src/kit/kit.json': json(kit) }).commit();
    template.write({ 'views/sessions.ejs': improved });
    releaseView();
    const { stdout } = copy.upgrade('../template');
    expect(stdout).not.toContain('replaces a kit view');
    expect(stdout).toContain('- views/sessions.ejs: yours from the start, and as it came');
  });
});

describe('texts of the kit', { timeout: 60_000 }, () => {
  const releaseTexts = () =>
    release(
      template.write({
        'docs/texts.md': '| `button.home` | To the start |\n| `button.back` | Back |\n| `page.new` | New |\n',
      }),
      '1.1.0',
    );

  test('that the site replaces are named where their English changed', () => {
    copy.write({ 'src/texts.ts': `export const texts = { 'button.home': 'Accueil' };\n` }).commit();
    releaseTexts();
    const { stdout } = copy.upgrade('../template');
    expect(stdout).toMatch(
      /What to do now[\s\S]*Texts of the kit that you replace changed.*upgrade-by-hand\.md/,
    );
    const text = copy.read('upgrade-by-hand.md');
    expect(text).toContain('- `button.home`: “Home” is now “To the start”\n');
    expect(text).not.toMatch(/page\.(new|gone)|button\.back/);
  });

  test('that are new are named where the site replaces most of them', () => {
    const texts = { 'button.home': 'Accueil', 'page.gone': 'Parti' };
    copy.write({ 'src/texts/fr.json': json(texts), 'docs/texts.md': null }).commit();
    releaseTexts();
    copy.upgrade('../template');
    const text = copy.read('upgrade-by-hand.md');
    expect(text).toContain('- `page.gone` is gone\n');
    expect(text).toContain('until you replace them, too:\n\n- `page.new`: “New”\n');
  });

  test('are not spoken of where the site replaces none', () => {
    releaseTexts();
    expect(copy.upgrade('../template').stdout).not.toContain('Texts of the kit');
    expect(copy.has('upgrade-by-hand.md')).toBe(false);
  });
});

describe('npm run check', { timeout: 60_000 }, () => {
  const check = () => copy.node('src/kit/upgrade/check.ts');

  test('fails until what an upgrade has left to do is done', () => {
    copy.write({ 'views/sessions.ejs': 'Another page.\n', Dockerfile: 'FROM mine\n' }).commit();
    template.write({ Dockerfile: 'FROM newer\n' });
    releaseView();
    copy.upgrade('../template');
    const before = check();
    expect([before.status, before.stdout]).toEqual([1, expect.stringContaining('kit 1.1.0, unchanged\n')]);
    expect(before.stderr).toMatch(
      /^An upgrade is not finished:\n {2}upgrade\.patch: .*\n {2}upgrade-by-hand\.md: /,
    );
    copy.git('apply', 'upgrade.patch');
    copy.write({ 'upgrade.patch': null, 'upgrade-by-hand.md': null }).commit();
    expect(check()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('  Dockerfile: choose between'),
    });
    copy.write({ Dockerfile: 'FROM newer\n', 'deploy/nginx.conf.rej': '@@\n' });
    expect(check()).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('  deploy/nginx.conf.rej: '),
    });
    copy.write({ 'deploy/nginx.conf.rej': null });
    expect(check()).toMatchObject({ status: 0, stderr: '' });
    expect(changesIn(copy)).toEqual([' M Dockerfile']);
  });

  test('is content with what only looks like the rest of an upgrade', () => {
    copy.write({ 'data/answers.rej': 'Mine.\n' });
    copy.write({ 'docs/git.md': 'A conflict begins with <<<<<<< yours\n<<<<<<< HEAD\n' });
    expect(check()).toMatchObject({ status: 0, stderr: '' });
  });
});
