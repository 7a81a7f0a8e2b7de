/** `npm run doctor`: checks the settings against the real provider, Redis and proxy, before the app runs or later. */
import { parseArgs } from 'node:util';
import { loadSite, NoSite } from '../load-site.ts';
import { examine } from './examine.ts';
import { toLine } from './finding.ts';

const usage = `Checks the settings against the provider, Redis, your APIs and your public address. Changes nothing without --open.

  npm run doctor             one line per check: ✓ fine, ! good to know, ✗ wrong, with what to do about it
  npm run doctor -- --json   the same for machines
  npm run doctor -- --open   also calls \`open\` of your site, and closes what it opened. This does what a start of the app
                             does, so it may change something: create tables, migrate a database, begin with a job

With several providers, a line about one begins with its name. In the image, without npm; the site is named for its
own settings and APIs, which are left out otherwise:

  node src/kit/doctor/main.ts src/site.ts

Exits with 0, or with 1 if a line has a ✗.`;

try {
  process.exitCode = await main(process.argv.slice(2));
  // What `open` began may go on for ever, where it failed or was given up.
  if (process.argv.includes('--open')) process.stdout.write('', () => process.exit());
} catch (error) {
  if (error instanceof NoSite) console.error(`${error.message}\n\n${usage}`);
  else if (String((error as { code?: string }).code).startsWith('ERR_PARSE_ARGS')) console.error(usage);
  else throw error;
  process.exitCode = 2;
}

async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: 'boolean' },
      open: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const [path] = positionals;
  if (values.open && path === undefined) throw new NoSite('--open needs the site: add src/site.ts.');
  const loaded = path === undefined ? undefined : await loadSite(path);
  const findings = await examine(process.env, loaded, { open: values.open });
  const sick = findings.some(({ state }) => state === 'failed');
  if (values.json) console.log(JSON.stringify({ ok: !sick, checks: findings }, null, 2));
  else for (const finding of findings) console.log(toLine(finding));
  return sick ? 1 : 0;
}
