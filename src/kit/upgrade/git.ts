import { spawnSync } from 'node:child_process';
import { devNull } from 'node:os';

interface GitOptions {
  cwd: string;
  input?: string;
  env?: Record<string, string>;
  /** Also without the settings of this user and this machine: what is written must not depend on them. */
  plain?: boolean;
}

interface GitAnswer {
  status: number;
  stdout: Buffer;
  stderr: string;
}

/** Runs git and hands back what it said, whatever its exit code. */
export function askGit(args: readonly string[], { cwd, input, env, plain }: GitOptions): GitAnswer {
  const { status, stdout, stderr, error } = spawnSync('git', [...settings, ...args], {
    cwd,
    input: input ?? '',
    env: { ...environment(plain ?? false), ...env },
    maxBuffer: 1024 ** 3,
    windowsHide: true,
  });
  if (error && 'code' in error && error.code === 'ENOENT')
    return { status: 127, stdout: Buffer.alloc(0), stderr: 'git is not installed, or not in PATH.' };
  // Where there is no repository, git may end before it has read its input.
  if (error && !('code' in error && error.code === 'EPIPE')) throw error;
  return { status: status ?? 1, stdout, stderr: stderr.toString().trim() };
}

/** As askGit, where any exit code but 0 is a failure. */
export function git(args: readonly string[], options: GitOptions): Buffer {
  const { status, stdout, stderr } = askGit(args, options);
  if (status !== 0) throw new Error(`git ${args[0]} failed: ${stderr}`);
  return stdout;
}

/** The way from git's top to a folder that is below it: `apps/web/`, or nothing. */
export function prefixOf(root: string): string {
  return askGit(['rev-parse', '--show-prefix'], { cwd: root }).stdout.toString().trim();
}

/** What git prints with -z. */
export function byNul(output: Buffer): string[] {
  return output.toString().split('\0').filter(Boolean);
}

/**
 * Nothing that git fetches or finds gets to run: no hook, no file system monitor, no transport but those that an
 * address may name (GIT_ALLOW_PROTOCOL counts more than any configuration, so `ext::` in one cannot come back).
 */
const settings = [
  ...['-c', `core.hooksPath=${devNull}`],
  ...['-c', 'core.fsmonitor=false'],
  ...['-c', 'submodule.recurse=false'],
  ...['-c', 'fetch.fsckObjects=true'],
  ...['-c', 'core.quotePath=false'],
];

function environment(plain: boolean): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    GIT_ALLOW_PROTOCOL: 'https:ssh',
    GIT_NO_LAZY_FETCH: '1',
    LC_ALL: 'C',
  };
  // In a hook, or under `git rebase --exec`, these name another repository than the folder's.
  for (const name of [
    'GIT_DIR',
    'GIT_WORK_TREE',
    'GIT_INDEX_FILE',
    'GIT_OBJECT_DIRECTORY',
    'GIT_COMMON_DIR',
    'GIT_PREFIX',
    'GIT_NAMESPACE',
    'GIT_EXTERNAL_DIFF',
    'GIT_DIFF_OPTS',
  ])
    delete env[name];
  if (plain)
    Object.assign(env, { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: devNull, GIT_ATTR_NOSYSTEM: '1' });
  return env;
}
