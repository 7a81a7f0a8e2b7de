import type { Changes } from './apply.ts';
import { sectionsBetween } from './changelog.ts';
import type { Copy } from './copy.ts';
import { adviceOnHidden, hiddenFiles } from './hidden.ts';
import { kitChangelog, kitFolder, kitJson } from './kit-file.ts';
import type { KitResult } from './kit-plan.ts';
import { type Offers, patchFile, readingFile } from './offers.ts';
import type { MergedPackage } from './packages.ts';
import { listed, printable, quoted } from './refusal.ts';
import type { SharedResult } from './shared-plan.ts';
import type { SiteResult } from './site-plan.ts';
import type { Template } from './template.ts';

interface Done {
  copy: Copy;
  template: Template;
  kit: KitResult;
  shared: SharedResult;
  site: SiteResult;
  offers: Offers;
  packages: MergedPackage;
  changes: Changes;
}

/** What the upgrade did, what it left, and what a person does now. */
export function report(done: Done): string {
  const { copy, template, kit, shared, packages } = done;
  const edits =
    kit.merged.length > 0 ? [block('Your edits in these files of the kit are kept:', kit.merged)] : [];
  return [
    `Upgraded from ${copy.kit.version} to ${template.kit.version}.\nTaken from ${template.taken}`,
    ...(template.behind.length > 0
      ? [
          `The template's ${kitJson} is older than these of its files, which were taken as they are:\n${listed(template.behind)}`,
        ]
      : []),
    `What changed\n\n${changelog(done)}`,
    [
      'What was done',
      `- src/kit: ${counted(kit)}`,
      ...line('replaced', shared.changed),
      ...line('new', shared.added),
      ...line('deleted, as the template no longer has it', shared.removed),
      ...packages.done.map((one) => `- package.json: ${one}`),
    ].join('\n'),
    ...edits,
    ...left(done),
    byHand(done),
  ]
    .map(printable)
    .join('\n\n');
}

function changelog({ copy, template }: Done): string {
  const file = 'CHANGELOG.md';
  const text = template.tree.entries.has(file) ? template.tree.read(file).content.toString() : '';
  const sections = sectionsBetween(text, copy.kit.version, template.kit.version);
  return sections.length > 0
    ? [...sections, `(${kitChangelog} keeps this.)`].join('\n\n')
    : 'The template has no CHANGELOG.md that says so.';
}

function left({ template, shared, site, packages }: Done): string[] {
  const lines = [
    ...line('you deleted it, so it stays deleted', shared.stayDeleted),
    ...line('you changed it, so it stays; the template no longer has it', shared.stay),
    ...line(`you changed it, so it stays; what the template changed is in ${patchFile}`, shared.patched),
    ...line(
      `you changed it, so it stays; how it was in your version of the template is not known, so ${readingFile} has the difference between yours and the template's`,
      shared.compared,
    ),
    ...line(
      `yours from the start, and as it came; what the template changed is in ${patchFile}`,
      site.offered,
    ),
    ...line(`new in the template, and would be yours; it is in ${patchFile}`, site.added),
    ...line('yours from the start, and changed by both; see the template if you want its change', site.own),
    ...line(
      'not taken: the template calls it shared, and it is not in a place that an upgrade writes to',
      template.kit.elsewhere,
    ),
    ...packages.kept.map((one) => `- package.json: ${one}`),
  ];
  return lines.length > 0 ? [`What was left as it is\n${lines.join('\n')}`] : [];
}

function byHand(done: Done): string {
  const { copy, template, kit, changes } = done;
  const steps: string[] = [];
  if (kit.conflicts.length > 0) steps.push(block('Solve these conflicts:', kit.conflicts));
  steps.push(...offered(done));
  const hidden = hiddenFiles(copy.root, [kitJson, ...template.kit.files.keys()]);
  if (hidden.length > 0) steps.push(adviceOnHidden(copy.root, hidden, kitFolder));
  const hiddenShared = hiddenFiles(
    copy.root,
    [...changes.writes.keys()].filter(
      (path) => !path.startsWith(kitFolder) && path !== patchFile && path !== readingFile,
    ),
  );
  if (hiddenShared.length > 0) {
    const names = hiddenShared.map(({ path }) => path);
    steps.push(
      `Your ignore files hide ${names.join(', ')} from git. To commit them: git add --force ${names.map(quoted).join(' ')}`,
    );
  }
  if (/^#+ what to do by hand/im.test(changelog(done)))
    steps.push('Do what "What to do by hand" above says.');
  steps.push('Run:\n  npm ci\n  npm run check\n  npm test');
  steps.push(
    'Look at `git diff`, and commit. Nothing was committed. To undo it all instead: git stash --include-untracked',
  );
  return `What to do now\n${steps.map((step, at) => `${at + 1}. ${step.replaceAll('\n', '\n   ')}`).join('\n')}`;
}

function offered({ site, offers }: Done): string[] {
  const places = { patch: patchFile, reading: readingFile };
  const replacing = site.replacing.map(
    ({ path, by }) =>
      `${path} replaces a kit ${path.startsWith('views/') ? 'view' : 'file'} that changed: see ${places[by]}`,
  );
  if (site.texts)
    replacing.push(`Texts of the kit that you replace changed, or new ones came: see ${readingFile}`);
  const markers =
    offers.conflicts.length > 0
      ? ` Then choose between your lines and the template's where they meet, between conflict markers: ${offers.conflicts.join(', ')}.`
      : '';
  return [
    ...(replacing.length > 0 ? [block('Look at what yours does not have yet:', replacing)] : []),
    ...(offers.patch.length > 0
      ? [`Run \`git apply ${patchFile}\`, and delete ${patchFile}.${markers}`]
      : []),
    ...(offers.reading.length > 0
      ? [`Read ${readingFile}, bring into your files what they need, and delete it.`]
      : []),
  ];
}

function counted({ changed, added, removed }: KitResult): string {
  const files = changed.length === 1 ? 'file' : 'files';
  return `${changed.length} ${files} changed, ${added.length} new, ${removed.length} removed`;
}

function line(what: string, paths: readonly string[]): string[] {
  return paths.map((path) => `- ${path}: ${what}`);
}

function block(title: string, lines: readonly string[]): string {
  return `${title}\n${listed(lines, 200)}`;
}
