import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apply, type Changes, checkTargets } from './apply.ts';
import type { Order } from './arguments.ts';
import { asAdopted, templateOnlyPackages } from './as-adopted.ts';
import { baseFile, findBase } from './base.ts';
import { compareKit, type Differences, isUnchanged, listDifferences } from './compare.ts';
import { type Copy, ignoredIn, readCopy, requireCleanWorkTree } from './copy.ts';
import { hashOf, isRecord, kitChangelog, kitJson } from './kit-file.ts';
import { lostEdits, planKit } from './kit-plan.ts';
import { lockFor } from './lockfile.ts';
import { type Offers, writeOffers } from './offers.ts';
import { type MergedPackage, mergePackages, sameDependencies } from './packages.ts';
import { asWritten, diffOf, fromHistory, type Sides } from './patch.ts';
import { printable, Refusal } from './refusal.ts';
import { report } from './report.ts';
import { planShared } from './shared-plan.ts';
import { planSite } from './site-plan.ts';
import { type Release, type Template, takeTemplate } from './template.ts';
import { compareVersions } from './versions.ts';

/** What to print, and whether a person must solve conflicts before the app can run. */
interface Outcome {
  text: string;
  conflicts: number;
}

/**
 * `ready` is asked once everything is worked out: after it, the files are written.
 *
 * @throws Refusal; nothing was changed then
 */
export async function upgrade(root: string, order: Order, ready: () => Promise<void>): Promise<Outcome> {
  const copy = readCopy(root);
  requireCleanWorkTree(root);
  const temporary = mkdtempSync(join(tmpdir(), 'upgrade-'));
  try {
    const template = takeTemplate(order.from, temporary);
    const direction = compareVersions(template.kit.version, copy.kit.version);
    checkDirection(copy, template, direction);
    if (direction === 0)
      return {
        text: `This app has ${copy.kit.version} already: nothing to do. (Compared with ${template.taken})`,
        conflicts: 0,
      };
    const { changes, outcome } = planUpgrade(template, copy, order, temporary);
    await ready();
    apply(root, changes);
    return outcome();
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function planUpgrade(template: Template, copy: Copy, order: Order, temporary: string) {
  const { root, kit: old } = copy;
  const edits = lostEdits(compareKit(root, old, ignoredIn(root)), root, template);
  const edited = !isUnchanged(edits);
  const base = findBase(order.base, template, copy, edited && order.merge);
  if (edited && !order.merge) throw refuseEdits(edits, { copy, template, base, temporary });

  const changes: Changes = { writes: new Map(), deletes: new Set() };
  const plan = { root, old, template, base, edits, temporary };
  const kit = planKit(plan, changes);
  // adopt takes CHANGELOG.md out, and what an upgrade printed is soon gone.
  if (template.tree.entries.has('CHANGELOG.md'))
    changes.writes.set(kitChangelog, asWritten(template.tree.read('CHANGELOG.md')));
  const offers: Offers = { patch: [], conflicts: [], reading: [] };
  const shared = planShared(plan, changes, offers);
  const site = planSite(plan, offers);
  writeOffers(offers, plan, changes);
  const packages = planPackage(template, copy, base, temporary, changes);
  checkTargets(root, changes);
  const outcome = (): Outcome => ({
    text: report({ copy, template, kit, shared, site, offers, packages, changes }),
    conflicts: kit.conflicts.length,
  });
  return { changes, outcome };
}

function checkDirection({ kit }: Copy, template: Template, direction: number): void {
  if (template.kit.name !== kit.name)
    throw new Refusal(
      `That is another template: its ${kitJson} says "${template.kit.name}". Yours was made from "${kit.name}".`,
    );
  // Its dependencies, scripts and documents are those of somebody's app.
  if (template.packageJson.name !== kit.name)
    throw new Refusal(
      `That is a copy of the template, by the name of "${template.packageJson.name}". Give the folder or address of the template itself.`,
    );
  if (direction < 0)
    throw new Refusal(
      `The template there is ${template.kit.version}, older than yours (${kit.version}). The upgrade never goes back to an older version.`,
    );
}

function planPackage(
  template: Template,
  copy: Copy,
  base: Release | undefined,
  temporary: string,
  changes: Changes,
): MergedPackage {
  const unused = templateOnlyPackages(template.tree);
  // A copy that was not adopted has all that the template has.
  const adopted = !isRecord(copy.packageJson.scripts) || copy.packageJson.scripts.adopt === undefined;
  const asHere = (json: Record<string, unknown>) => (adopted ? asAdopted(json, unused) : json);
  const before = copy.kit.package ?? base?.packageJson;
  const theirs = asHere(template.packageJson);
  const merged = mergePackages(copy.packageJson, before && asHere(before), theirs);
  const text = inStyleOf(copy.packageText, merged.json);
  if (text === copy.packageText) return merged;
  changes.writes.set('package.json', { content: Buffer.from(text), executable: false });
  if (sameDependencies(merged.json, copy.packageJson)) return merged;
  const lock = join(copy.root, 'package-lock.json');
  if (!existsSync(lock)) {
    merged.kept.push(
      'There is no package-lock.json here: update the lock file of your package manager yourself.',
    );
    return merged;
  }
  const yours = readFileSync(lock);
  const templateLock = template.tree.entries.has('package-lock.json')
    ? template.tree.read('package-lock.json').content
    : undefined;
  const locks = { root: copy.root, yours, template: templateLock, templatePackage: theirs };
  changes.writes.set('package-lock.json', {
    content: lockFor(merged.json, locks, temporary),
    executable: false,
  });
  return merged;
}

/** With the indentation, line endings and last line that the file had, so that `git diff` shows what changed only. */
function inStyleOf(text: string, json: unknown): string {
  const indent = /^[ \t]+(?=")/m.exec(text)?.[0] ?? 2;
  const lines = JSON.stringify(json, null, indent) + (/\n$/.test(text) ? '\n' : '');
  return (
    (text.startsWith('\ufeff') ? '\ufeff' : '') +
    (text.includes('\r\n') ? lines.replaceAll('\n', '\r\n') : lines)
  );
}

interface EditedCopy {
  copy: Copy;
  template: Template;
  base: Release | undefined;
  temporary: string;
}

function refuseEdits(edits: Differences, { copy, template, base, temporary }: EditedCopy): Refusal {
  const { root, kit } = copy;
  const sides: Sides[] = [];
  const unknown: string[] = [];
  for (const path of [...edits.changed, ...edits.added, ...edits.missing]) {
    const hash = kit.files.get(path);
    const original = hash && (baseFile(base, path, hash)?.content ?? fromHistory(root, path, hash, hashOf));
    if (hash && !original) unknown.push(path);
    else
      sides.push({
        path,
        from: original ? asWritten({ content: original, executable: false }) : undefined,
        to:
          existsSync(join(root, path)) && !edits.missing.includes(path)
            ? asWritten({ content: readFileSync(join(root, path)), executable: false })
            : undefined,
      });
  }
  const lines = [
    `The kit was edited here, and an upgrade to ${template.kit.version} would lose these edits:`,
    ...listDifferences(edits).map((line) => `  ${line}`),
    '',
    printable(Buffer.from(diffOf(sides, temporary), 'latin1').toString()),
    ...(unknown.length > 0
      ? [
          `How these were in ${kit.version} is not known, so that no difference can be shown: ${unknown.join(', ')}\n`,
        ]
      : []),
    'Move them into your own files where you can: views and texts of the kit can be replaced in yours (docs/guide.md).',
    `Or carry them over: npm run upgrade -- <the same folder or address> --merge${base ? '' : ` --base <folder with version ${kit.version}>`}`,
    'Or drop them: `git restore --source <a commit before the edits> src/kit`, and commit.',
  ];
  return new Refusal(lines.join('\n'));
}
