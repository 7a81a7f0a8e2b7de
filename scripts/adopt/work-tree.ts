import { askGit, byNul } from '../../src/kit/upgrade/git.ts';
import { Refusal } from '../../src/kit/upgrade/refusal.ts';
import type { Project } from './project.ts';

/**
 * Where there is git, everything must be committed: then `git diff` shows what adopt did, and git can undo it. A folder
 * without git is adopted as it is.
 *
 * @returns whether there is git
 */
export function requireCommitted(root: string): boolean {
  const inside = askGit(['rev-parse', '--is-inside-work-tree'], { cwd: root });
  if (inside.status === 127 || /not a git repository/.test(inside.stderr)) return false;
  if (inside.status !== 0) throw new Refusal(`git does not work in this folder: ${inside.stderr}`);
  // Only this folder: it may be part of a larger repository.
  const { stdout, stderr, status } = askGit(['status', '--porcelain', '--no-renames', '-z', '--', '.'], {
    cwd: root,
  });
  if (status !== 0) throw new Refusal(`git does not work in this folder: ${stderr}`);
  const files = byNul(stdout).map((line) => line.slice(3));
  if (files.length > 0)
    throw new Refusal(
      `There are changes that are not committed (${files.slice(0, 3).join(', ')}${files.length > 3 ? ', …' : ''}); commit or stash them first, so that you can see what changes now.`,
    );
  return true;
}

/** Whether .env, which holds a secret, gets into no commit. */
export function hidesEnv({ root, has, read }: Pick<Project, 'root' | 'has' | 'read'>): boolean {
  const { status } = askGit(['check-ignore', '--quiet', '--no-index', '.env'], { cwd: root });
  // 0 and 1 are git's answers; anything else means that there is none to ask.
  if (status < 2) return status === 0;
  return has('.gitignore') && /^\/?\.env\s*$/m.test(read('.gitignore'));
}
