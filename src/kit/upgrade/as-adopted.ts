import { isRecord } from './kit-file.ts';

type Json = Record<string, unknown>;

/**
 * The template's package.json as `npm run adopt` leaves it: without the scripts of what a copy does not keep (`scripts/`,
 * `bench/`), and with `npm test` for the site's tests only. Otherwise each copy would seem to have changed these itself.
 */
export function asAdopted(json: Json): Json {
  const scripts: Json = isRecord(json.scripts) ? json.scripts : {};
  const own = (command: string) => /(^|\s)(scripts|bench)\//.test(command);
  const gone = new Set(Object.keys(scripts).filter((name) => own(String(scripts[name]))));
  const calls = (command: string) => gone.has(/^npm run ([\w:-]+)/.exec(command.trim())?.[1] ?? '');
  const kept = Object.entries(scripts).filter(([name]) => !gone.has(name));
  return {
    ...json,
    scripts: Object.fromEntries(
      kept.map(([name, command]) => {
        const parts = String(command)
          .split(' && ')
          .filter((part) => !own(part) && !calls(part));
        return [name, parts.join(' && ').replace(/^vitest run --mode all$/, 'vitest run')];
      }),
    ),
  };
}
