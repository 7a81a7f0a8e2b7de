import pino from 'pino';
import { openSite } from '../assembly.ts';
import type { Config } from '../config/index.ts';
import { redact } from '../errors/error-cause.ts';
import { SiteError } from '../errors/site-error.ts';
import { codeOf, whatItSays } from '../errors/what-it-says.ts';
import { within } from '../session/within.ts';
import type { AnySite } from '../site.ts';
import { type Finding, failed, ok, said, warning } from './finding.ts';

/** Longer than a database needs that is only far away. */
const limitMs = 10_000;

/**
 * Whether the site's `open` opens what the app works with, such as its database. It is only tried where somebody asks for
 * it: it may migrate the database or begin with a job, and the doctor is also run beside an older version of the app.
 */
export async function checkOpen(
  site: AnySite | undefined,
  config: Config,
  isAsked: boolean,
  ms = limitMs,
): Promise<Finding[]> {
  if (!site?.open) return [];
  if (!isAsked) {
    return [
      warning(
        'open',
        'was not tried, so a database that is wrong or away is not noticed here.',
        '`npm run doctor -- --open` tries it. That does what a start of the app does, such as creating tables.',
      ),
    ];
  }
  let close: (() => unknown) | undefined;
  try {
    const opened = await within(ms, () => openSite(site, config, pino({ level: 'silent' })));
    close = opened.close?.bind(opened);
  } catch (error) {
    const cause = error instanceof SiteError ? (error.cause ?? error) : error;
    return [failed('open', `failed: ${said(redact(whatItSays(cause)))}.`, hintOf(cause))];
  }
  const opens = ok('open', 'opened what your app works with, and closed it again.');
  if (!close) return [{ ...opens, text: 'opened what your app works with. There is no `close`.' }];
  try {
    await within(ms, async () => close());
    return [opens];
  } catch (error) {
    return [
      warning(
        'open',
        `opened what your app works with, but \`close\` failed: ${said(redact(whatItSays(error)))}.`,
        'A stop of the app would end without it. Fix it, or give what it waits for a limit.',
      ),
    ];
  }
}

function hintOf(error: unknown): string {
  const code = codeOf(error) ?? codeOf(error instanceof AggregateError ? error.errors[0] : undefined) ?? '';
  const hint = hints.find(([codes]) => codes.test(code))?.[1];
  return hint ?? 'The app does not start until `open` in site.ts works: fix what it says.';
}

/** By the system's code, or the SQLSTATE of a database. */
const hints: readonly (readonly [RegExp, string])[] = [
  [/^ECONNREFUSED$/, 'Nothing is listening there: start it, or correct the setting that says where it is.'],
  [
    /^(ENOTFOUND|EAI_AGAIN)$/,
    'This host name is not known here: correct the setting that has it, or the DNS.',
  ],
  [
    /^(EACCES|EPERM|ENOENT|EROFS)$/,
    'Check the path in your setting, and what the user of the app may do there.',
  ],
  [/^28/, 'The database does not accept this user or password: correct the setting that has them.'],
  [/^3D000$/, 'There is no database of this name: create it, or correct the setting that names it.'],
  [
    /^(42501|25006)$/,
    'This user of the database may not do that: grant it, or name the right user and server.',
  ],
  [/^53300$/, 'The database has no connection left: allow it more, or let the app open fewer.'],
];
