/**
 * `npm run adopt -- my-app`: makes the template yours. It gives the app its name, takes the example and the template's
 * own programs out, and writes a README and an `.env` to begin with. What you added before stays. With
 * `--keep-examples` the example stays, too.
 */
import { fileURLToPath } from 'node:url';
import { printable, Refusal } from '../src/kit/upgrade/refusal.ts';
import { adopt } from './adopt/adopt.ts';

try {
  console.log(adopt(fileURLToPath(new URL('../', import.meta.url)), process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(printable(error.message));
  process.exitCode = 1;
}
