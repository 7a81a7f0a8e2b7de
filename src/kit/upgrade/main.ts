/** `npm run upgrade -- <folder or address>`: a newer version of the template, in this copy. */
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readArguments, usage } from './arguments.ts';
import { printable, Refusal } from './refusal.ts';
import { upgrade } from './upgrade.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

// Ctrl-C, or a terminal that is closed: git and npm end by it, and this process must live on to remove what it fetched,
// and to leave the files all old or all new.
let stopped = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    stopped = true;
  });

try {
  const order = readArguments(process.argv.slice(2));
  if (order === 'help') console.log(usage);
  else {
    const { text, conflicts } = await upgrade(root, order, refuseStopped);
    console.log(text);
    if (conflicts > 0) {
      console.error(
        `\nThe upgrade left ${conflicts} ${conflicts === 1 ? 'conflict' : 'conflicts'} for you to solve: see above.`,
      );
      process.exitCode = 1;
    }
  }
} catch (failure) {
  const error = await refuseStopped().then(
    () => failure,
    (refusal) => refusal,
  );
  if (error instanceof Refusal) console.error(printable(error.message));
  else {
    console.error('The upgrade failed, and everything is as it was:');
    console.error(error);
  }
  process.exitCode = 1;
}

/** A signal is noticed only where this process waits, and what it runs it does not wait for in this way. */
async function refuseStopped(): Promise<void> {
  await setImmediate();
  if (stopped) throw new Refusal('You stopped it, and nothing was changed.');
}
