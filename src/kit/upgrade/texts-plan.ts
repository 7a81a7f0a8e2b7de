import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kitFolder } from './kit-file.ts';
import { originalOf, type Versions } from './offers.ts';
import { walk } from './tree.ts';

/** The page that lists each text of the kit by its key, in English. */
const page = 'docs/texts.md';

/**
 * Which of the texts that the site replaces have another English now; and where it replaces most of them, as an app in
 * another language does, which are new. Undefined where there are none.
 */
export function changedTexts(versions: Versions): string | undefined {
  const { root, old, template } = versions;
  const before = originalOf(page, old.shared.get(page), versions);
  if (!before || !template.kit.shared.has(page)) return undefined;
  const [was, now] = [textsIn(before), textsIn(template.tree.read(page).content)];
  const sources = sourcesOf(root);
  const replaced = [...was.keys()].filter(
    (key) => sources.includes(`'${key}'`) || sources.includes(`"${key}"`),
  );
  const changed = replaced.filter((key) => was.get(key) !== now.get(key));
  const added = replaced.length * 2 > was.size ? [...now.keys()].filter((key) => !was.has(key)) : [];
  if (changed.length + added.length === 0) return undefined;
  const lines = changed.map((key) =>
    now.has(key) ? `- \`${key}\`: “${was.get(key)}” is now “${now.get(key)}”` : `- \`${key}\` is gone`,
  );
  return [
    ...(lines.length > 0
      ? [`You replace these, and their English changed. Do yours still say the same?\n\n${lines.join('\n')}`]
      : []),
    ...(added.length > 0
      ? [
          `These are new, and in English until you replace them, too:\n\n${added.map((key) => `- \`${key}\`: “${now.get(key)}”`).join('\n')}`,
        ]
      : []),
  ].join('\n\n');
}

function textsIn(content: Buffer): Map<string, string> {
  const rows = content.toString().matchAll(/^\| `([^`\n]+)` \| (.*) \|\r?$/gm);
  return new Map([...rows].map(([, key = '', text = '']) => [key, text]));
}

/** The site's own code, in which the keys stand that it replaces. */
function sourcesOf(root: string): string {
  const texts: string[] = [];
  if (!existsSync(join(root, 'src'))) return '';
  walk(root, 'src', (path, { kind }) => {
    if (kind === 'file' && /\.([cm]?[jt]s|json)$/.test(path) && !path.startsWith(kitFolder))
      texts.push(readFileSync(join(root, path), 'utf8'));
  });
  return texts.join('\n');
}
