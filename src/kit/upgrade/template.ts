import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Source, shown } from './arguments.ts';
import { askGit, git } from './git.ts';
import { hashOf, isOfKit, isRecord, type Kit, kitJson, readKit } from './kit-file.ts';
import { objectionToName, sameButForCapitals } from './names.ts';
import { Refusal } from './refusal.ts';
import { commitTree, folderTree, type Tree } from './tree.ts';
import { compareVersions, isVersion } from './versions.ts';

/** A version of the template: its files, and what its kit.json says of them. */
export interface Release {
  tree: Tree;
  kit: Kit;
  packageJson: Record<string, unknown>;
  /** What to write as kit.json. */
  kitText: Buffer;
  /** Files that are newer than kit.json says. */
  behind: readonly string[];
}

export interface Template extends Release {
  /** What it was taken from, for the report: the address or folder, and the commit. */
  taken: string;
  /** The commit of a tag, by its name, as files; undefined where there is no such tag. */
  atTag(tag: string): Tree | undefined;
}

/** Fetches or reads the template. Nothing of it is run, and nothing outside `temporary` is written. */
export function takeTemplate(source: Source, temporary: string): Template {
  const taken = source.kind === 'folder' ? fromFolder(source.folder) : fromAddress(source.address, temporary);
  return { ...readRelease(taken.tree, 'the template'), taken: taken.words, atTag: taken.atTag };

  function fromFolder(folder: string) {
    const tree = folderTree(folder);
    const repository = existsSync(join(folder, '.git')) ? openRepository(folder, temporary) : undefined;
    const commit = repository?.commitOf('HEAD');
    if (!repository || !commit)
      return { tree, words: `${folder} (a folder without a commit)`, atTag: () => undefined };
    const same = sameFiles(tree, repository.treeOf(commit));
    return {
      tree,
      words: `${folder}, commit ${commit}${same ? '' : ' and changes there that are not committed'}`,
      atTag: tagIn(repository),
    };
  }
}

/** @throws Refusal where kit.json cannot be read, or a name or link leads elsewhere */
export function readRelease(tree: Tree, what: string): Release {
  if (!tree.entries.has(kitJson))
    throw new Refusal(
      `There is no ${kitJson} in ${what}. Give the folder or address of the template itself, in version 1.0.0 or newer.`,
    );
  for (const [path, { kind }] of tree.entries) {
    if (kind === 'link')
      throw new Refusal(
        `In ${what}, ${path} is a symbolic link. The upgrade does not follow links, and takes nothing from a template that has one.`,
      );
    if (kind === 'other') throw new Refusal(`In ${what}, ${path} is neither a file nor a folder.`);
    const objection = objectionToName(path);
    if (objection) throw new Refusal(`In ${what}, the name "${path}" ${objection}.`);
  }
  const kit = readKit(tree.read(kitJson).content.toString(), `${kitJson} of ${what}`);
  const packageJson = readPackage(tree, what);
  const upToDate = bringUpToDate(kit, tree, packageJson.version);
  const twice = sameButForCapitals([...kit.files.keys(), ...kit.shared.keys()]);
  if (twice)
    throw new Refusal(
      `In ${what}, the names "${twice[0]}" and "${twice[1]}" differ in capitals only, and are the same on macOS and Windows.`,
    );
  return { tree, kit, packageJson, ...upToDate };
}

/**
 * A template whose owner changed it and has not written kit.json since: its files count as they are, or the copy would
 * take them for edits of its own.
 */
function bringUpToDate(kit: Kit, tree: Tree, version: unknown): Pick<Release, 'kitText' | 'behind'> {
  const listed = () => new Map([...kit.files, ...kit.shared, ...(kit.start ?? []), ...kit.example]);
  const before = listed();
  const isTaken = (path: string) => isOfKit(path) && !/\/(\.DS_Store|Thumbs\.db)$/.test(path);
  const hashed = (paths: string[]) => paths.map((path) => [path, hashOf(tree.read(path).content)] as const);
  kit.files = new Map(hashed([...tree.entries.keys()].filter(isTaken).sort()));
  const present = (paths: Iterable<string>) => [...paths].filter((path) => tree.entries.has(path));
  kit.shared = new Map(hashed(present(kit.shared.keys())));
  kit.start &&= new Map(hashed(present(kit.start.keys())));
  kit.example = new Map(hashed(present(kit.example.keys())));
  const now = listed();
  const behind = [...new Set([...before.keys(), ...now.keys()])].filter(
    (path) => before.get(path) !== now.get(path),
  );
  if (isVersion(version) && compareVersions(version, kit.version) > 0) {
    kit.version = version;
    behind.push('package.json');
  }
  const { content } = tree.read(kitJson);
  if (behind.length === 0) return { kitText: content, behind };
  const json = JSON.parse(content.toString().replace(/^\ufeff/, ''));
  Object.assign(json, {
    version: kit.version,
    files: Object.fromEntries(kit.files),
    shared: Object.fromEntries(kit.shared),
    ...(kit.start && { start: Object.fromEntries(kit.start) }),
    example: Object.fromEntries(kit.example),
  });
  return { kitText: Buffer.from(`${JSON.stringify(json, null, 2)}\n`), behind };
}

function readPackage(tree: Tree, what: string): Record<string, unknown> {
  try {
    const json = JSON.parse(tree.read('package.json').content.toString());
    if (isRecord(json)) return json;
  } catch {}
  throw new Refusal(`The package.json of ${what} cannot be read.`);
}

interface Repository {
  /** The commit that a full name of a reference points to. */
  commitOf(reference: string): string | undefined;
  treeOf(commit: string): Tree;
}

function tagIn(repository: Repository): Template['atTag'] {
  return (tag) => {
    const commit = repository.commitOf(`refs/tags/${tag}`);
    return commit === undefined ? undefined : repository.treeOf(commit);
  };
}

/**
 * The repository of a folder, read through an empty one of our own: git acts on the configuration of the repository that
 * it is in, which can name programs (a promisor remote's upload-pack, filters, fsmonitor). Only rev-parse is asked in
 * the folder itself, for the names of commits.
 */
function openRepository(folder: string, temporary: string): Repository {
  const own = emptyRepository(temporary, 'folder.git');
  const inFolder = (...args: string[]) => {
    const { status, stdout } = askGit(['rev-parse', ...args], { cwd: folder });
    return status === 0 ? stdout.toString().replace(/\n$/, '') : undefined;
  };
  const objects = inFolder('--path-format=absolute', '--git-path', 'objects') ?? '';
  const env = { GIT_ALTERNATE_OBJECT_DIRECTORIES: JSON.stringify(objects) };
  return {
    commitOf: (reference) => {
      const object = inFolder('--verify', '--quiet', '--end-of-options', reference);
      if (object === undefined) return undefined;
      // The tag may be an object of its own; ours is the repository that reads it.
      const { status, stdout } = askGit(
        ['rev-parse', '--verify', '--quiet', `${object.split('\n').at(-1)}^{commit}`],
        { cwd: own, env, plain: true },
      );
      return status === 0 ? stdout.toString().trim() : undefined;
    },
    treeOf: (commit) => commitTree(own, commit, env),
  };
}

function fromAddress(address: string, temporary: string) {
  const repository = emptyRepository(temporary, 'fetched.git');
  const fetch = (from: string, to: string) =>
    askGit(
      [
        'fetch',
        '--quiet',
        '--depth=1',
        '--no-tags',
        '--no-recurse-submodules',
        '--end-of-options',
        address,
        `+${from}:${to}`,
      ],
      {
        cwd: repository,
      },
    );
  const { status, stderr } = fetch('HEAD', 'refs/upgrade/new');
  if (status !== 0)
    throw new Refusal(`git cannot fetch ${shown(address)}:\n${stderr.replaceAll(address, shown(address))}`);
  const commitOf = (reference: string) =>
    git(['rev-parse', '--verify', `${reference}^{commit}`], { cwd: repository, plain: true })
      .toString()
      .trim();
  const commit = commitOf('refs/upgrade/new');
  return {
    tree: commitTree(repository, commit),
    words: `${shown(address)}, commit ${commit}`,
    atTag: (tag: string) => {
      if (fetch(`refs/tags/${tag}`, 'refs/upgrade/old').status !== 0) return undefined;
      return commitTree(repository, commitOf('refs/upgrade/old'));
    },
  };
}

/** Without the hooks that this user's `init.templateDir` may name. */
function emptyRepository(temporary: string, name: string): string {
  const folder = join(temporary, name);
  git(['init', '--quiet', '--bare', '--template=', folder], { cwd: temporary, plain: true });
  return folder;
}

/** Whether what is taken of the folder was committed there: kit.json holds the hash of all the rest. */
function sameFiles(tree: Tree, committed: Tree): boolean {
  return [kitJson, 'package.json', 'package-lock.json', 'CHANGELOG.md'].every(
    (path) => hashAt(tree, path) === hashAt(committed, path),
  );
}

function hashAt(tree: Tree, path: string): string | undefined {
  return tree.entries.get(path)?.kind === 'file' ? hashOf(tree.read(path).content) : undefined;
}
