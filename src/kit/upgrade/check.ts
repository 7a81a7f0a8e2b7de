/** `npm run check`: whether the kit is as it came, whether all of it gets into a commit, and whether an upgrade is done. */
import { fileURLToPath } from 'node:url';
import { compareKit, hashAt, isUnchanged, listDifferences } from './compare.ts';
import { ignoredIn, readCopy } from './copy.ts';
import { adviceOnHidden, hiddenFiles } from './hidden.ts';
import { kitFolder, kitJson } from './kit-file.ts';
import { pendingUpgrade } from './pending.ts';
import { printable, Refusal } from './refusal.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

try {
  const { kit } = readCopy(root);
  const differences = compareKit(root, kit, ignoredIn(root));
  // Not a failure: you may edit the kit, and an upgrade then asks what to do with the edits.
  if (isUnchanged(differences)) console.log(`kit ${kit.version}, unchanged`);
  else console.log(`kit ${kit.version}, edited here:\n  ${listDifferences(differences).join('\n  ')}`);
  const changed = [...kit.shared].filter(([path, hash]) => ![hash, undefined].includes(hashAt(root, path)));
  if (changed.length > 0)
    console.log(
      `Shared files that you changed, which an upgrade leaves as they are: ${changed.map(([path]) => path).join(', ')}`,
    );
  const hidden = hiddenFiles(root, [kitJson, ...kit.files.keys()]);
  const problems = [
    pendingUpgrade(root),
    hidden.length > 0 ? adviceOnHidden(root, hidden, kitFolder) : undefined,
  ].filter((problem) => problem !== undefined);
  if (problems.length > 0) throw new Refusal(problems.join('\n\n'));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(printable(error.message));
  process.exitCode = 1;
}
