import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRecord } from '../../src/kit/upgrade/kit-file.ts';
import { Refusal } from '../../src/kit/upgrade/refusal.ts';
import { readArguments } from './arguments.ts';
import { apply } from './changes.ts';
import { moveExampleData } from './example-data.ts';
import { parse } from './package-files.ts';
import { type Plan, planChanges } from './plan.ts';
import { isOfTheKit, type Project, readProject } from './project.ts';
import { report } from './report.ts';
import { readSiteLines } from './site-lines.ts';
import { choicesOf, type Inventory, type Staying } from './staying.ts';
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
  const exampleData = moveExampleData(root, plan.changes.deletes);
  return report(project, plan, { hasGit, checked: errors !== undefined, exampleData });
}

function requireOnce({ read }: Project): void {
  const { name, scripts } = parse(read('package.json'), 'package.json');
  if (!isRecord(scripts) || scripts.adopt === undefined)
    throw new Refusal(`This is ${String(name)} already; adopting happens once.`);
}

function takeStock({ lists, has, isEdited, read, sources }: Project, keepExamples: boolean): Inventory {
  if (!has('src/site.ts'))
    throw new Refusal('There is no src/site.ts here, which is the app. Restore it from git.');
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
  const attempt = (staying: Staying) => {
    const plan = planFor(staying);
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
  const choices = choicesOf(inventory);
  const [least, most] = [choices[0], choices.at(-1)] as [Staying, Staying];
  const first = attempt(least);
  if (!first.errors) return first;
  // Where not even all of it helps, the fault is another one, and is the copier's to correct.
  const last = most === least ? first : attempt(most);
  if (last.errors) throw new Refusal(misfit(first.errors));
  last.undo();
  for (const choice of choices.slice(1)) {
    const fitting = attempt(choice);
    if (!fitting.errors) return fitting;
  }
  throw new Refusal(misfit(first.errors));
}

function misfit(errors: string): string {
  return `The types have errors after that, so everything was put back as it was:
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
