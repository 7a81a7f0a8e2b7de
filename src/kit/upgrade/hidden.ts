import { askGit, prefixOf } from './git.ts';

/** A file that git leaves out of every commit, and the line of an ignore file that says so. */
interface Hidden {
  path: string;
  by: string;
  line: string;
  pattern: string;
}

/**
 * Those of the paths that the copy's ignore files hide. Visual Studio's .gitignore has `[Ll]og/`: src/kit/log would be
 * there for whoever made the copy, and missing in everybody else's. Empty where the folder is under no git.
 */
export function hiddenFiles(root: string, paths: readonly string[]): Hidden[] {
  return paths.length === 0 ? [] : matches(root, paths);
}

/** What to say of them: each with the line that hides it, and the lines that take the whole folder back in. */
export function adviceOnHidden(root: string, hidden: readonly Hidden[], folder: string): string {
  const files = hidden.map(({ path, by, line, pattern }) => `  ${path} (${by}, line ${line}: ${pattern})`);
  const head = `git leaves these files out of every commit, so that other copies and the server would not have them:\n${files.join('\n')}`;
  const [whole] = hiddenFolders(root, ['.']);
  if (whole)
    return `${head}\nThe whole folder is hidden: remove that line from ${whole.by}, then \`git add\` the folder.`;
  const prefix = prefixOf(root);
  const advice = [...new Set(hidden.map(({ by }) => fileToEdit(by, prefix)))].map((file) => {
    const lines = linesFor(root, file, folder).map((line) => `  ${line}`);
    return `Add at the end of ${file}:\n${lines.join('\n')}`;
  });
  return [head, ...advice, `Then \`git add ${folder}\`.`].join('\n');
}

/**
 * A line of the folder's own .gitignore counts more than those of folders above, of .git/info/exclude and of the user;
 * but an ignore file in a folder below counts more than it.
 */
function fileToEdit(by: string, prefix: string): string {
  const own = by.startsWith(prefix) ? by.slice(prefix.length) : '';
  return own.startsWith('src/') && own.endsWith('/.gitignore') ? own : '.gitignore';
}

/** Also those in which git knows a file already: what is new in them is hidden all the same. */
function hiddenFolders(root: string, paths: readonly string[]): Hidden[] {
  return matches(root, paths, '--no-index');
}

/** git does not look into a folder that is hidden itself: each one on the way is taken back in before its content. */
function linesFor(root: string, file: string, folder: string): string[] {
  const within = file.slice(0, -'.gitignore'.length);
  const below = folder.slice(within.length).split('/').filter(Boolean);
  const lines: string[] = [];
  for (const at of below.keys()) {
    const path = below.slice(0, at + 1).join('/');
    if (hiddenFolders(root, [`${within}${path}`]).length > 0) lines.push(`!/${path}/`);
  }
  return [...lines, `!/${below.map((part) => `${part}/`).join('')}**`];
}

function matches(root: string, paths: readonly string[], ...options: string[]): Hidden[] {
  const { stdout } = askGit(['check-ignore', '--verbose', '-z', '--stdin', ...options], {
    cwd: root,
    input: paths.map((path) => `${path}\0`).join(''),
  });
  const fields = stdout.toString().split('\0');
  const found: Hidden[] = [];
  for (let at = 0; at + 3 < fields.length; at += 4) {
    const [by = '', line = '', pattern = '', path = ''] = fields.slice(at, at + 4);
    // A pattern that begins with an exclamation mark takes the file back in.
    if (!pattern.startsWith('!')) found.push({ path, by, line, pattern });
  }
  return found;
}
