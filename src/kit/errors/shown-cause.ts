import { sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { withoutSecrets } from '../log/redaction.ts';
import { chainOf, type LoggedCause, loggedCauses, redact } from './error-cause.ts';
import { viewFailure } from './view-error.ts';

const mostFrames = 4;

/**
 * An error as its developer reads it on the page: it and its causes, each with what the log says of it, the lines of the
 * view that failed, and where in the app's own code it came from. Only while developing, and even then nothing in it is
 * secret (R20).
 *
 * @param root the folder of the app
 */
export function shownCause(error: unknown, root: string): string {
  const { causes } = withoutSecrets({ causes: loggedCauses(error) }) as { causes: LoggedCause[] };
  const chain = chainOf(error);
  const parts = causes.map((cause, index) => [sentenceOf(cause, root), ...placesOf(chain[index], root)]);
  return parts.map((part) => part.join('\n\n')).join('\n\nCaused by ');
}

function sentenceOf({ name, message, code, error, error_description }: LoggedCause, root: string): string {
  const more = [code, error, error_description].filter((each) => each && !message.includes(each));
  return inside(root, `${name}: ${message}${more.length > 0 ? ` (${more.join(', ')})` : ''}`);
}

/** Behind the sentence: what to do about it, if the error says so, and where it was. */
function placesOf(error: (Error & { hint?: unknown }) | undefined, root: string): string[] {
  if (!error) return [];
  const { message, hint } = error;
  const excerpt = viewFailure(String(message))?.excerpt;
  const parts = [typeof hint === 'string' ? hint : '', excerpt ?? '', framesOf(error, root).join('\n')];
  return parts.filter((text) => text !== '').map(clean);
}

/** The innermost of the app's own code; of the kit's where nothing else tells. A view's are of what EJS makes of it. */
function framesOf({ stack, message }: Error, root: string): string[] {
  const own = String(stack)
    .replace(String(message), '')
    .split('\n')
    .filter((line) => /^ +at /.test(line) && !/node_modules|\.ejs"?:/.test(line))
    .flatMap((line) => (inside(root, line) === line ? [] : inside(root, line)));
  const ofSite = own.filter((line) => !/[ (]src[\\/]kit[\\/]/.test(line));
  return (ofSite.length > 0 || viewFailure(message) ? ofSite : own).slice(0, mostFrames);
}

/** The paths in a text, from the app's folder on. */
function inside(root: string, text: string): string {
  return text.replaceAll(`${pathToFileURL(root)}/`, '').replaceAll(root + sep, '');
}

function clean(text: string): string {
  return String(withoutSecrets({ text: redact(text, 4_000) }).text);
}
