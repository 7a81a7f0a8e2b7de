import { parseArgs } from 'node:util';
import { shown } from './shown.ts';

export const usage = `Lists and ends sessions, in the store that REDIS_URL names.

  npm run sessions -- list --sub <sub>   where a user is signed in
  npm run sessions -- end --sub <sub>    ends all sessions of a user
  npm run sessions -- end --sid <sid>    ends those of one session at the provider
  npm run sessions -- end --all          ends every session of this app

In place of --sub and --iss: a line of the app's log, between single quotes, for the user that it names.

With --iss <iss> it is the user or the session of that issuer alone. Two providers may have a user of the same <sub>.
Where OIDC_ALLOWED_TENANTS is *, nobody can list the issuers of all tenants: there --iss has to be given.

<sub>, <sid> and <iss> are the claims of these names in the provider's ID token; a user's /profile shows them.
npm needs the two dashes: without them it takes what follows for its own options. In the image you do not need npm:

  node src/kit/operator/main.ts list --sub <sub>`;

/** What the operator asks for. */
export type Order =
  | { command: 'help' }
  | { command: 'list'; sub: string; iss?: string }
  | { command: 'end'; whom: ({ sub: string } | { sid: string }) & { iss?: string } }
  | { command: 'end'; whom: 'all' };

/** The command line makes no sense; `message` is the sentence to print. */
export class UsageError extends Error {
  override name = 'UsageError';
}

/** @throws UsageError */
export function readArguments(args: readonly string[]): Order {
  const { values, positionals } = parse(args);
  if (values.help) return { command: 'help' };
  const [command, ...more] = positionals;
  const named = more[0]?.startsWith('{') ? userIn(more.shift() as string) : undefined;
  if (command === undefined) throw new UsageError('Say what to do: list or end.');
  if (command !== 'list' && command !== 'end')
    throw new UsageError(`There is no command "${shown(command)}": say list or end.`);
  if (more.length > 0) throw new UsageError(`Unexpected argument: "${shown(more[0] as string)}".`);

  const sid = once('sid', values.sid);
  const sub = once('sub', [...(values.sub ?? []), ...(named ? [named.sub] : [])]);
  const iss = once('iss', [...(values.iss ?? []), ...(named ? [named.iss] : [])]);
  const of = iss === undefined ? {} : { iss };
  const all = once('all', values.all);
  const given = [sub, sid, all].filter((each) => each !== undefined).length;
  if (given > 1) throw new UsageError('Say only one of --sub, --sid and --all.');
  if (all && iss !== undefined) throw new UsageError('--iss goes with --sub or --sid, not with --all.');
  if (command === 'list') {
    if (sub === undefined) throw new UsageError('Say whose sessions to list: --sub <sub>.');
    return { command, sub, ...of };
  }
  if (sub !== undefined) return { command, whom: { sub, ...of } };
  if (sid !== undefined) return { command, whom: { sid, ...of } };
  if (all) return { command, whom: 'all' };
  throw new UsageError('Say whose sessions to end: --sub <sub>, --sid <sid> or --all.');
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        // Several, so that one given twice can be distinguished from one given once.
        sub: { type: 'string', multiple: true },
        sid: { type: 'string', multiple: true },
        iss: { type: 'string', multiple: true },
        all: { type: 'boolean', multiple: true },
      },
    });
  } catch (error) {
    throw new UsageError(sentence(error as Error & { code?: string }), { cause: error });
  }
}

/** (iss, sub) of a log line, so that whoever reads the log needs to type neither. */
function userIn(line: string): { iss: string; sub: string } {
  let given: { iss?: unknown; sub?: unknown };
  try {
    given = JSON.parse(line);
  } catch (cause) {
    throw new UsageError('The log line cannot be read: copy all of it, between single quotes.', { cause });
  }
  const { iss, sub } = given;
  if (typeof iss === 'string' && iss !== '' && typeof sub === 'string' && sub !== '') return { iss, sub };
  throw new UsageError('The log line names no user: it has no iss and sub.');
}

function once<T extends string | boolean>(name: string, values: T[] | undefined): T | undefined {
  if (values && values.length > 1) throw new UsageError(`--${name} is given twice: once is enough.`);
  if (values?.[0] === '') throw new UsageError(`--${name} needs a value.`);
  return values?.[0];
}

/** Node's own words name the option in quotes; the rest of them is for programmers. */
function sentence({ code, message }: Error & { code?: string }): string {
  const option = /'(?:-\w, )?(--?[^ '=]+)/.exec(message)?.[1] ?? 'an option';
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `There is no option ${shown(option)}.`;
  if (/^--(sub|sid|iss)$/.test(option))
    return `${option} needs a value. One that begins with a dash is written ${option}=-value.`;
  return `${option} takes no value.`;
}
