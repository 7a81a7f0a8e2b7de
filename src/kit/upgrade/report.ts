import type { Changes } from './apply.ts';
import { sectionsBetween } from './changelog.ts';
import type { Copy } from './copy.ts';
import { adviceOnHidden, hiddenFiles } from './hidden.ts';
import { kitFolder, kitJson } from './kit-file.ts';
import type { KitResult } from './kit-plan.ts';
import type { MergedPackage } from './packages.ts';
import { listed, printable } from './refusal.ts';
import { patchFile, type SharedResult } from './shared-plan.ts';
import type { Template } from './template.ts';

interface Done {
  copy: Copy;
  template: Template;
  kit: KitResult;
  shared: SharedResult;
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
  return sections.length > 0 ? sections.join('\n\n') : 'The template has no CHANGELOG.md that says so.';
}

function left({ shared, packages }: Done): string[] {
  const lines = [
    ...line('you deleted it, so it stays deleted', shared.stayDeleted),
    ...line('you changed it, so it stays; the template no longer has it', shared.stay),
    ...line(`you changed it, so it stays; what the template changed is in ${patchFile}`, shared.patched),
    ...line(
      `you changed it, so it stays; how it was in your version of the template is not known, so ${patchFile} has the difference between yours and the template's`,
      shared.compared,
    ),
    ...packages.kept.map((one) => `- package.json: ${one}`),
  ];
  return lines.length > 0 ? [`What was left as it is\n${lines.join('\n')}`] : [];
}

function byHand(done: Done): string {
  const { copy, template, kit, shared, changes } = done;
  const steps: string[] = [];
  if (kit.conflicts.length > 0) steps.push(block('Solve these conflicts:', kit.conflicts));
  if (shared.patched.length > 0 && shared.compared.length === 0)
    steps.push(
      shared.fits
        ? `Run \`git apply ${patchFile}\`, then delete ${patchFile}.`
        : `Your changes and the template's meet: run \`git apply --reject ${patchFile}\`, bring what it could not apply (*.rej) in by hand, then delete ${patchFile} and the *.rej files.`,
    );
  else if (shared.compared.length > 0)
    steps.push(
      `Read ${patchFile}, take from it what you want, then delete it. Applied as a whole, it would undo your changes.`,
    );
  const hidden = hiddenFiles(copy.root, [kitJson, ...template.kit.files.keys()]);
  if (hidden.length > 0) steps.push(adviceOnHidden(copy.root, hidden, kitFolder));
  const hiddenShared = hiddenFiles(
    copy.root,
    [...changes.writes.keys()].filter((path) => !path.startsWith(kitFolder)),
  );
  if (hiddenShared.length > 0) {
    const names = hiddenShared.map(({ path }) => path);
    steps.push(
      `Your ignore files hide ${names.join(', ')} from git. To commit them: git add --force ${names.map((name) => `"${name}"`).join(' ')}`,
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
