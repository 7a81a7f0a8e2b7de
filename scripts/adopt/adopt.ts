import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRecord } from '../../src/kit/upgrade/kit-file.ts';
import { Refusal } from '../../src/kit/upgrade/refusal.ts';
import { readArguments } from './arguments.ts';
import { apply } from './changes.ts';
import { parse } from './package-files.ts';
import { type Plan, planChanges } from './plan.ts';
import { isOfTheKit, type Project, readProject } from './project.ts';
import { report } from './report.ts';
import { isContext, readSiteLines, type SiteLine } from './site-lines.ts';
import { findStaying, type Inventory, type Staying } from './staying.ts';
import { typeErrors } from './types.ts';
import { requireCommitted } from './work-tree.ts';

/**
 * Makes the template in this folder the app that the arguments name.
 *
 * @returns what it did, for the person at the keyboard
 * @throws Refusal where it cannot; nothing is changed then
 */
export function adopt(root: string, args: readonly string[]): string {
  const project = readProject(root);
  const wishes = readArguments(args, project.kit.name);
  requireOnce(project);
  const hasGit = requireCommitted(root);
  const inventory = takeStock(project, wishes.keepExamples);
  // Ctrl-C ends the check of the types, and everything is put back; this process must live on for that.
  const wait = () => {};
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, wait);
  const { plan, errors } = changeWhatFits(root, inventory, (staying) =>
    planChanges({ project, wishes, inventory, staying }),
  );
  removeInstalled(root, plan.changes.deletes);
  return report(project, plan, { hasGit, checked: errors !== undefined });
}

function requireOnce({ read }: Project): void {
  const { name, scripts } = parse(read('package.json'), 'package.json');
  if (!isRecord(scripts) || scripts.adopt === undefined)
    throw new Refusal(`This is ${String(name)} already; adopting happens once.`);
}

function takeStock({ lists, has, isEdited, read, sources }: Project, keepExamples: boolean): Inventory {
  if (!has('src/site.ts'))
    throw new Refusal('There is no src/site.ts here, which is the app. Get it back from git.');
  const names = [...(keepExamples ? [] : lists.example.keys()), ...lists.templateOnly.keys()];
  const listed = new Set(names.filter(has));
  const lines = readSiteLines(read('src/site.ts'));
  return {
    listed,
    edited: new Set([...listed].filter(isEdited)),
    sources: new Map([...sources].filter(([path]) => !isOfTheKit(path) && path !== 'src/site.ts')),
    lines: keepExamples ? lines.map((line) => ({ ...line, isExample: false })) : lines,
  };
}

/**
 * Does the changes and checks the types. An example page that stays may work with data or settings that it does not
 * import: where the types do not fit, the lines of site.ts that bring these stay, as few as it takes.
 *
 * @returns what was done; `errors` is undefined where TypeScript is not installed
 */
function changeWhatFits(root: string, inventory: Inventory, planFor: (staying: Staying) => Plan) {
  const temporary = mkdtempSync(join(tmpdir(), 'adopt-'));
  try {
    return fewestLines(root, inventory, planFor, join(temporary, 'types.tsbuildinfo'));
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function fewestLines(root: string, inventory: Inventory, planFor: (staying: Staying) => Plan, notes: string) {
  const attempt = (wanted: readonly SiteLine[]) => {
    const plan = planFor(findStaying(inventory, wanted));
    const undo = apply(root, plan.changes);
    try {
      const errors = typeErrors(root, notes);
      if (errors) undo();
      return { plan, undo, errors };
    } catch (error) {
      undo();
      throw error;
    }
  };
  const first = attempt([]);
  if (!first.errors) return first;
  let wanted = inventory.lines.filter(isContext);
  let fitting = wanted.length > 0 ? attempt(wanted) : first;
  if (fitting.errors) throw new Refusal(misfit(first.errors));
  // From the last: a line may use a setting that one above it brings.
  for (const line of wanted.toReversed()) {
    fitting.undo();
    const fewer = wanted.filter((one) => one !== line);
    const without = attempt(fewer);
    if (without.errors) fitting = { ...fitting, undo: apply(root, fitting.plan.changes) };
    else [fitting, wanted] = [without, fewer];
  }
  return fitting;
}

function misfit(errors: string): string {
  return `The types do not fit after that, so everything was put back as it was:
${errors}
Correct this and adopt again.`;
}

/** What npm installed in a folder that is gone otherwise. git never knew of it. */
function removeInstalled(root: string, deleted: ReadonlySet<string>): void {
  const folders = [...deleted].filter((path) => path.includes('/')).map((path) => path.split('/')[0] ?? '');
  for (const folder of new Set(folders)) {
    const place = join(root, folder);
    if (!existsSync(place) || !lstatSync(place).isDirectory()) continue;
    if (readdirSync(place).every((name) => name === 'node_modules')) rmSync(place, { recursive: true });
  }
}
