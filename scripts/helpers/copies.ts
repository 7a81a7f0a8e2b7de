import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkout, copyTree } from './tree-copy.ts';

/** A copy of the template in a folder, with what tests do to it. */
export interface Copy {
  folder: string;
  /** Null deletes. */
  write(files: Record<string, string | null>): Copy;
  /** Changes a file that is there; a change that changes nothing is a mistake of the test. */
  edit(path: string, change: (text: string) => string): Copy;
  read(path: string): string;
  has(path: string): boolean;
  git(...args: string[]): string;
  commit(message?: string): Copy;
  npm(...args: string[]): Run;
  node(...args: string[]): Run;
  adopt(...args: string[]): Run;
  /** Every file with its content and mode, but git's own and what is installed. */
  snapshot(): Record<string, string>;
}

export interface Run {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface Copies {
  /** A folder of its own below the temporary one. */
  place(name: string): string;
  /** As `git clone` makes it. */
  clone(name: string): Copy;
  /** The template's files alone, without its history. */
  files(name: string): Copy;
  remove(): void;
}

/** The template as it is now, with a fresh kit.json, to make copies of. */
export function prepareCopies(): Copies {
  const folder = mkdtempSync(join(tmpdir(), 'copies of the template, ä '));
  const place = (name: string) => join(folder, name);
  const tree = copyTree();
  cpSync(tree.folder, place('template'), { recursive: true });
  tree.remove();
  const template = copyIn(place('template'), place('compiled'));
  template.git('init', '--quiet');
  template.git('add', '--all');
  execFileSync(process.execPath, ['scripts/release.ts'], { cwd: template.folder, stdio: 'pipe' });
  template.commit('The template');

  const installed = (copy: Copy) => {
    symlinkSync(join(checkout, 'node_modules'), join(copy.folder, 'node_modules'));
    return copy;
  };
  return {
    place,
    clone(name) {
      execFileSync('git', ['clone', '--quiet', template.folder, place(name)], { stdio: 'pipe' });
      hideLink(place(name));
      return installed(copyIn(place(name), place('compiled')));
    },
    files(name) {
      mkdirSync(place(name), { recursive: true });
      const filter = (from: string) => from !== join(template.folder, '.git');
      cpSync(template.folder, place(name), { recursive: true, filter });
      return installed(copyIn(place(name), place('compiled')));
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** What is installed is a link here, which .gitignore does not mean. */
export function hideLink(repository: string): void {
  writeFileSync(join(repository, '.git/info/exclude'), 'node_modules\n');
}

/** @param compiled where Node keeps what it compiles of the programs that several copies run */
function copyIn(folder: string, compiled: string): Copy {
  const at = (path: string) => join(folder, path);
  const run = (program: string, args: string[]): Run => {
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, NO_COLOR: '1', NO_UPDATE_NOTIFIER: '1', NODE_COMPILE_CACHE: compiled };
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8', env });
    return { status, stdout, stderr };
  };
  const self: Copy = {
    folder,
    write(files) {
      for (const [path, text] of Object.entries(files)) {
        if (text === null) rmSync(at(path), { force: true });
        else {
          mkdirSync(dirname(at(path)), { recursive: true });
          writeFileSync(at(path), text);
        }
      }
      return self;
    },
    edit(path, change) {
      const before = self.read(path);
      const after = change(before);
      if (after === before) throw new Error(`${path} is not as this test knows it`);
      return self.write({ [path]: after });
    },
    read: (path) => readFileSync(at(path), 'utf8'),
    has: (path) => existsSync(at(path)),
    git: (...args) => execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }),
    commit(message = 'A change') {
      const who = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.com'];
      self.git('add', '--all', '.');
      self.git(...who, 'commit', '--quiet', '-m', message);
      return self;
    },
    npm: (...args) => run('npm', args),
    node: (...args) => run(process.execPath, args),
    adopt: (...args) => run('npm', ['run', '--silent', 'adopt', '--', ...args]),
    snapshot() {
      const files: Record<string, string> = {};
      collect(folder, '', files);
      return files;
    },
  };
  return self;
}

function collect(folder: string, below: string, files: Record<string, string>): void {
  for (const name of readdirSync(join(folder, below))) {
    if (name === '.git' || name === 'node_modules') continue;
    const path = below ? `${below}/${name}` : name;
    const stat = lstatSync(join(folder, path));
    if (stat.isDirectory()) collect(folder, path, files);
    else files[path] = `${(stat.mode & 0o777).toString(8)} ${readFileSync(join(folder, path), 'latin1')}`;
  }
}
