/**
 * Why a file of this name is not taken from a template, in words that follow the name; undefined where it may be.
 * A name decides where a file is written: outside the folder (`..`, an absolute path, a drive), into git's own folder
 * where a hook would run, or onto what is the site's.
 */
export function objectionToName(path: string): string | undefined {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return 'leads out of its folder';
  // Only printable ASCII: macOS leaves out invisible marks when it compares names, so that ".g\u200cit" would be ".git".
  if (!/^[\x20-\x7e]+$/.test(path) || /[\\:*?"<>|]/.test(path))
    return 'has a character that a name may not have';
  if (parts.some((part) => /[. ]$/.test(part))) return 'ends in a dot or a space';
  if (parts.some((part) => /^(\.git|node_modules)$/i.test(part))) return 'is not for a template to write';
  // Windows' short names: GIT~1 is .git, and PACKAG~1.JSO is package.json.
  if (parts.some((part) => /~\d/.test(part))) return 'is not for a template to write';
  if (parts.some((part) => /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(part)))
    return 'is a device on Windows';
  return undefined;
}

/** What is shared is settings and documents; these belong to the site, or are merged by rules of their own. */
export function objectionToSharing(path: string): string | undefined {
  if (/^(package(-lock)?\.json|node_modules)$/i.test(path)) return "is the site's own";
  // Settings of the app, and whatever a package manager reads before or in place of package-lock.json, in any folder.
  const name = path.split('/').at(-1) ?? '';
  if (/^\.env(?!\.example$)/i.test(name) || packageManagers.test(name)) return "is the site's own";
  if (/^(src\/(site\.ts|pages\/|data\/|kit\/)|views\/|public\/|test\/)/i.test(path))
    return "is the site's own";
  return undefined;
}

/** What template and copy share outside the kit. `npm run adopt` edits none of it, so that all of it stays unchanged. */
export function isSharedPlace(path: string): boolean {
  return sharedPlaces.some((place) => place.test(path));
}

/**
 * Whatever else a template lists as shared is not written: an editor runs a task of `.vscode/` when the folder is opened,
 * and git a hook of `.husky/` at the next commit.
 */
const sharedPlaces = [
  /^src\/server\.ts$/,
  /^(tsconfig|biome|knip)\.json$/,
  /^(vitest\.config\.ts|Dockerfile|compose\.yaml|\.dockerignore|\.gitattributes|\.env\.example)$/,
  /^(deploy|\.ci|\.github|docs)\//,
];

/** What a copy begins with, and which is the site's own from then on. `npm run adopt` changes no word of it. */
export function isStartPlace(path: string): boolean {
  return /^(src\/(pages|data)|views|public|test)\//.test(path) || path === '.gitignore';
}

/**
 * Two names that differ in capitals only, files or folders: on macOS and Windows they are one, and one file would be
 * lost. (Names have ASCII letters only, so there is no other way to write the same name twice.)
 */
export function sameButForCapitals(paths: Iterable<string>): [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const path of paths) {
    const parts = path.split('/');
    for (const at of parts.keys()) {
      const part = parts.slice(0, at + 1).join('/');
      const before = seen.get(part.toLowerCase());
      if (before !== undefined && before !== part) return [before, part];
      seen.set(part.toLowerCase(), part);
    }
  }
  return undefined;
}

const packageManagers =
  /^(\.npmrc|npm-shrinkwrap\.json|\.?pnpmfile\.[cm]?js|pnpm-(lock|workspace)\.yaml|yarn\.lock|\.yarnrc(\.yml)?|bun\.lockb?|bunfig\.toml)$/i;
