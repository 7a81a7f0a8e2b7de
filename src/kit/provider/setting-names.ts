import { AuthError } from '../errors/auth-error.ts';
import type { Audit, Log } from '../log/index.ts';
import { withoutSecrets } from '../log/redaction.ts';
import type { ConnectionContext, ProviderSettings } from './settings.ts';

// What failed, and what a developer can set, is written with the plain names of settings. With several providers each has
// its own, and those are what a hint must name: OIDC_WORK_SCOPE. A page about a failure says whose it is by the label.

type Named = Pick<ProviderSettings, 'named' | 'inFull' | 'label'>;

/** A log and an audit whose hints name the settings in full. */
export function withFullNames<Context extends ConnectionContext>(settings: Named, context: Context): Context {
  if (!settings.named) return context;
  const { inFull } = settings;
  const detailed = <T extends Record<string, unknown>>(line: T): T =>
    'hint' in line && typeof line.hint === 'string' ? { ...line, hint: inFull(line.hint) } : line;
  const audit: Audit = (event, details, req) => context.audit(event, detailed(details), req);
  const log: Log = context.log.child(
    {},
    { formatters: { log: (line) => withoutSecrets(detailed({ ...line })) } },
  );
  return { ...context, log, audit };
}

/** Calls that reject with errors that say whose they are, and whose hints name the settings in full. */
export function namingSettings<T extends Record<string, (...given: never[]) => Promise<unknown>>>(
  { inFull, label }: Named,
  calls: T,
): T {
  const rename = (error: unknown): never => {
    if (error instanceof AuthError) {
      error.hint = error.hint && inFull(error.hint);
      error.provider = label;
    }
    throw error;
  };
  const entries = Object.entries(calls).map(([name, call]) => [
    name,
    async (...given: never[]) => call(...given).catch(rename),
  ]);
  return Object.fromEntries(entries);
}
