import type { Wishes } from './arguments.ts';
import { titleOf } from './arguments.ts';
import type { Changes } from './changes.ts';
import { envWithSecret } from './env-file.ts';
import { packagesOf } from './mentions.ts';
import { changePackageFiles } from './package-files.ts';
import type { Project } from './project.ts';
import { readmeFor } from './readme.ts';
import { withName } from './site-lines.ts';
import type { Inventory, Staying } from './staying.ts';
import { hidesEnv } from './work-tree.ts';

/** What adopt does, and what it says of it. */
export interface Plan {
  changes: Changes;
  name: string;
  title: string;
  keepExamples: boolean;
  /** False where site.ts has another name than the template's by now. */
  titled: boolean;
  staying: Staying;
  inventory: Inventory;
}

interface Situation {
  project: Project;
  wishes: Wishes;
  inventory: Inventory;
  staying: Staying;
}

/** The name of the app in the template's src/site.ts. */
export const templateTitle = 'My app';

export function planChanges({
  project,
  wishes: { name, keepExamples },
  inventory,
  staying,
}: Situation): Plan {
  const { has, read, kit, lists, isEdited } = project;
  const title = titleOf(name);
  const deletes = new Set([...inventory.listed].filter((path) => !staying.files.has(path)));
  const writes: Changes['writes'] = new Map();

  const site = inventory.lines
    .filter((line) => staying.lines.has(line))
    .map(({ text }) => text)
    .join('');
  const named = withName(site, templateTitle, title);
  writes.set('src/site.ts', { text: named ?? site });

  const lock = has('package-lock.json') ? read('package-lock.json') : undefined;
  const { packageText, lockText } = changePackageFiles(read('package.json'), lock, {
    name,
    template: { version: kit.version, description: lists.description, scripts: kit.package?.scripts ?? {} },
    gone: deletes,
    unused: unusedPackages(project, deletes),
  });
  writes.set('package.json', { text: packageText });
  if (lockText !== undefined) writes.set('package-lock.json', { text: lockText });

  if (lists.rewritten.has('README.md') && has('README.md') && !isEdited('README.md'))
    writes.set('README.md', { text: readmeFor(title, (file) => has(`docs/${file}`)) });
  if (!has('.env') && has('.env.example')) {
    writes.set('.env', { text: envWithSecret(read('.env.example')), mode: 0o600 });
    if (!hidesEnv(project)) {
      const text = has('.gitignore') ? read('.gitignore') : '';
      writes.set('.gitignore', { text: `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}.env\n` });
    }
  }
  return {
    changes: { writes, deletes },
    name,
    title,
    keepExamples,
    titled: named !== undefined,
    staying,
    inventory,
  };
}

/**
 * Packages for development that only files which go import, and their types: nobody else would notice that they are
 * gone.
 */
function unusedPackages({ sources, kit, read }: Project, deletes: ReadonlySet<string>): Set<string> {
  const scripts: Record<string, unknown> = JSON.parse(read('package.json')).scripts ?? {};
  const called = new Set(Object.values(scripts).flatMap((command) => String(command).split(/[^@\w./-]+/)));
  const [gone, left] = [new Set<string>(), new Set<string>()];
  for (const [path, text] of sources)
    for (const one of packagesOf(text)) (deletes.has(path) ? gone : left).add(one);
  const brought = Object.keys(kit.package?.devDependencies ?? {});
  const isUnused = (one: string) => gone.has(one) && !left.has(one) && !called.has(one);
  return new Set(brought.filter((one) => isUnused(one.replace(/^@types\//, ''))));
}
