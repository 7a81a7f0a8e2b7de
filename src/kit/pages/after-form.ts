import type { Request, Response } from 'express';
import { say as inWords } from '../errors/language.ts';
import { areWords } from '../errors/words.ts';
import { judge, type Rule } from '../guard/rules.ts';
import { redirect } from '../http/answers.ts';
import { requestKind } from '../http/request-kind.ts';
import { languageOf } from '../http/request-language.ts';
import { localAddress, localPath } from '../http/return-path.ts';
import { leaveForProvider, WayOut } from '../provider/go-on.ts';
import type { Demands } from '../provider/index.ts';
import { mostCharacters } from '../session/said.ts';
import { getUser, providerOf } from '../session/user-session.ts';
import { startLogin } from '../sign-in/login.ts';

/**
 * Answers a form: a path of ours by a redirect, the provider's end_session_endpoint by the page that goes on (R16).
 * Where the page at that path would send the person on to sign in, they are sent at once, by that page too: a redirect
 * there would still belong to the form, and Chromium would stop it without a word.
 *
 * @param rule who may open the page at `next`; undefined when it is open to everyone, or no page of the app
 */
export async function goOnAfter(
  req: Request,
  res: Response,
  next: string | WayOut,
  rule?: Rule,
): Promise<void> {
  if (next instanceof WayOut) return leaveForProvider(req, res, { ...next, purpose: 'sign-out' });
  const demands = rule && requestKind(req) === 'form' ? await demandsOf(req, rule) : undefined;
  const provider = providerOf(req)?.name;
  if (demands) return startLogin(req, res, { returnTo: localPath(next), provider, ...demands });
  redirect(res, 303, next);
}

/** What came of a form: where its answer leads, and the sentence that the page there is to say. */
export interface Outcome {
  path: string;
  say?: string | undefined;
}

/**
 * Reads what `run` returned: a path, or `{ to: path, say: sentence }`. What the form asked for is done by now, so
 * nothing in it is an error: what cannot be used is left out, and the log says so.
 *
 * @param holder the page that holds the form
 */
export function outcomeOf(req: Request, next: unknown, holder: string): Outcome {
  if (typeof next !== 'object' || next === null || next instanceof URL) {
    return { path: pathAfter(req, next, holder) };
  }
  const { to, say } = next as { to?: unknown; say?: unknown };
  return { path: pathAfter(req, to, holder), say: sentenceIn(req, say) };
}

function sentenceIn(req: Request, say: unknown): string | undefined {
  if (say === undefined) return undefined;
  const sentence = areWords(say) ? inWords(say, languageOf(req)) : say;
  const problem = problemOf(sentence);
  if (problem === undefined) return oneLine(sentence as string);
  const hint = `have \`run\` return one sentence of at most ${mostCharacters} characters as \`say\``;
  req.log.warn({ hint, path: req.path, problem }, 'the sentence that an action returned cannot be shown');
  return undefined;
}

function problemOf(say: unknown): string | undefined {
  if (typeof say !== 'string') return 'it is not a string';
  // The length comes first: only a bounded text is looked through (R23). A character may be two of its units.
  if (say.length > 2 * mostCharacters || [...say].length > mostCharacters) return 'it is too long';
  return oneLine(say) === '' ? 'it is empty' : undefined;
}

function oneLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}

/**
 * Where a form's answer leads: what `run` returned, where that is a path of this app. A site may well make it of what
 * somebody sent, so whatever leads elsewhere becomes "/" (R7), and without any path it is the page of the form. What
 * the form asked for is done by now: this is no time for an error.
 *
 * @param holder the page that holds the form
 */
function pathAfter(req: Request, next: unknown, holder: string): string {
  const path = localAddress(next);
  if (path !== undefined) return path;
  const hint = 'have `run` return a path of this app, such as /notes';
  req.log.warn({ hint, path: req.path }, 'the action of a page returned no path of this app');
  return typeof next === 'string' || next instanceof URL ? '/' : localPath(holder);
}

/** What the page would ask the provider for; undefined where it would ask nothing. */
async function demandsOf(req: Request, rule: Rule): Promise<Demands | undefined> {
  const user = getUser(req);
  if (!user) return {};
  // Of a page that never asks for more, no database need be asked now.
  if (rule.acr === undefined && rule.maxAgeSeconds === undefined) return undefined;
  // What the page itself would then say about a failure, it says.
  const verdict = await Promise.resolve(judge(req, user, rule)).catch(() => undefined);
  return typeof verdict === 'object' && 'stepUp' in verdict ? verdict.stepUp : undefined;
}
