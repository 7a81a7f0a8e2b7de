import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { askGit, byNul } from './git.ts';
import { isRecord, type Kit, kitJson, readKit } from './kit-file.ts';
import { listed, Refusal } from './refusal.ts';

/** The project that is upgraded. */
export interface Copy {
  root: string;
  kit: Kit;
  packageText: string;
  packageJson: Record<string, unknown>;
}

export function readCopy(root: string): Copy {
  if (!existsSync(join(root, kitJson)))
    throw new Refusal(
      `There is no ${kitJson} here, so the version of the kit is not known. Restore it from git: git checkout HEAD -- ${kitJson}`,
    );
  const kit = readKit(readFileSync(join(root, kitJson), 'utf8'), kitJson);
  const packageText = read(join(root, 'package.json'));
  try {
    const packageJson = JSON.parse(packageText.replace(/^\ufeff/, ''));
    if (isRecord(packageJson)) return { root, kit, packageText, packageJson };
  } catch {}
  throw new Refusal('package.json cannot be read as JSON. Correct it, and commit.');
}

/** Whatever the upgrade does can be seen and undone with git only where everything was committed before. */
export function requireCleanWorkTree(root: string): void {
  const { status, stderr } = askGit(['rev-parse', '--is-inside-work-tree'], { cwd: root });
  if (status !== 0) {
    if (!/not a git repository/.test(stderr))
      throw new Refusal(`git does not work in this folder:\n${stderr}`);
    throw new Refusal(
      'This folder is not under git, so you could neither see nor undo what the upgrade does. Run `git init`, `git add --all` and `git commit -m "Before the upgrade"`, then upgrade again.',
    );
  }
  // Only this folder: what else changes in a larger repository is no matter of the upgrade.
  const changed = askGit(['status', '--porcelain', '--no-renames', '-z', '--', '.'], { cwd: root });
  if (changed.status !== 0) throw new Refusal(`git does not work in this folder:\n${changed.stderr}`);
  const files = byNul(changed.stdout).map((line) => line.slice(3));
  if (files.length > 0)
    throw new Refusal(
      `These files have changes that are not committed:\n${listed(files)}\nCommit or stash them first, so that you can see what the upgrade does, and undo it.`,
    );
  if (askGit(['ls-files', '--error-unmatch', kitJson], { cwd: root }).status !== 0)
    throw new Refusal(
      `${kitJson} is not committed: an ignore file hides it. \`npm run check\` says what to do.`,
    );
}

/** Which of the paths git ignores. Where there is no git, none. */
export function ignoredIn(root: string): (paths: string[]) => Set<string> {
  return (paths) => {
    if (paths.length === 0) return new Set();
    const input = paths.map((path) => `${path}\0`).join('');
    return new Set(byNul(askGit(['check-ignore', '-z', '--stdin'], { cwd: root, input }).stdout));
  };
}
function read(path: string): string {
  if (!existsSync(path)) throw new Refusal('There is no package.json here.');
  return readFileSync(path, 'utf8');
}
