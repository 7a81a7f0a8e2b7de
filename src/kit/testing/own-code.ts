import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';

/** The code of a site, as far as it says which names it gives to its views. */
export interface OwnCode {
  /** Names that are given a value anywhere: `{ name: … }`, `{ name }`, `it.name = …`. */
  names: ReadonlySet<string>;
  /** The same, in these models and in the files that name this view. */
  namesFor(view: string, models: readonly string[]): ReadonlySet<string>;
}

/**
 * @param root the folder that holds `src`, if there is one
 * @param models the code of all models
 */
export function readOwnCode(root: string, models: readonly string[]): OwnCode {
  const files = sourcesBelow(join(root, 'src'));
  return {
    names: namesIn([...files, ...models]),
    namesFor(view, of) {
      const naming = files.filter((text) => ["'", '"', '`'].some((q) => text.includes(q + view + q)));
      return namesIn([...naming, ...of]);
    },
  };
}

/** All but the kit. */
function sourcesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[cm]?[jt]s$/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => !/^(kit|node_modules)[\\/]/.test(file.slice(folder.length + sep.length)))
    .map((file) => readFileSync(file, 'utf8'));
}

function namesIn(texts: readonly string[]): ReadonlySet<string> {
  return new Set(
    texts.flatMap((text) =>
      [...text.matchAll(given)].map(([, key, short, set]) => key ?? short ?? set ?? ''),
    ),
  );
}

const given =
  /(?<![\w$])([A-Za-z_$][\w$]*)['"]?\s*\??:|(?<=[{,]\s*)([A-Za-z_$][\w$]*)(?=\s*[,}])|\.([A-Za-z_$][\w$]*)\s*=(?!=)/g;
