/** `npm run upgrade -- <folder or address>`: a newer version of the template, in this copy. */
import { fileURLToPath } from 'node:url';
import { readArguments, usage } from './arguments.ts';
import { printable, Refusal } from './refusal.ts';
import { upgrade } from './upgrade.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

try {
  const order = readArguments(process.argv.slice(2));
  if (order === 'help') console.log(usage);
  else {
    const { text, conflicts } = upgrade(root, order);
    console.log(text);
    if (conflicts > 0) {
      console.error(
        `\nThe upgrade left ${conflicts} ${conflicts === 1 ? 'conflict' : 'conflicts'} for you to solve: see above.`,
      );
      process.exitCode = 1;
    }
  }
} catch (error) {
  if (error instanceof Refusal) console.error(printable(error.message));
  else {
    console.error('The upgrade failed, and everything is as it was:');
    console.error(error);
  }
  process.exitCode = 1;
}
