import express, { type Request, type Response, Router } from 'express';
import { refuseMethod, tokenOf } from './api-answers.ts';
import { sendDownload } from './api-download.ts';
import type { NoteFields, Notes } from './api-notes.ts';
import { ApiProblem, invalidField, notFound } from './api-problems.ts';

const longestText = 500;

/** The notes, one by one. */
export function noteRoutes(notes: Notes): Router {
  const router = Router({ strict: true });
  router.use(express.json({ limit: '10kb', strict: false, type: ['json', 'application/merge-patch+json'] }));

  router
    .route('/')
    .get((_req, res) => void res.json({ notes: notes.list(tokenOf(res).sub) }))
    .post((req, res) => {
      const { note, etag } = notes.add(tokenOf(res).sub, fieldsIn(req, { done: false }), keyIn(req));
      res.status(201).location(`/notes/${note.id}`).set('ETag', etag).json(note);
    })
    .all(refuseMethod('GET', 'HEAD', 'POST'));

  router
    .route('/download')
    .get((req, res) => {
      const lines = notes.list(tokenOf(res).sub).map(({ text, done }) => `[${done ? 'x' : ' '}] ${text}\n`);
      sendDownload(req, res, 'notes.txt', Buffer.from(lines.join('')));
    })
    .all(refuseMethod('GET', 'HEAD'));

  router
    .route('/:id')
    .get((req, res) => {
      const { note, etag } = demandNote(notes, req, res);
      res.set('ETag', etag).json(note);
    })
    .put((req, res) => change(notes, req, res, fieldsIn(req, { done: false })))
    // RFC 7396: what is left out stays.
    .patch((req, res) => change(notes, req, res, fieldsIn(req)))
    .delete((req, res) => {
      const { note } = demandNote(notes, req, res);
      notes.remove(tokenOf(res).sub, note.id);
      res.status(204).end();
    })
    .all(refuseMethod('GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'));

  return router;
}

/** Who sends a request again, not knowing what became of the first, sends the same key (Idempotency-Key). */
function keyIn(req: Request): string | undefined {
  const key = req.get('idempotency-key');
  if (key === undefined || (key !== '' && key.length <= 100)) return key;
  throw new ApiProblem(400, 'Idempotency-Key must have 1 to 100 characters');
}

function change(notes: Notes, req: Request, res: Response, fields: Partial<NoteFields>): void {
  const { note } = demandNote(notes, req, res);
  const changed = notes.change(tokenOf(res).sub, note.id, fields);
  if (!changed) throw notFound();
  res.set('ETag', changed.etag).json(changed.note);
}

/**
 * The user's own note that the address names. That of another user is not found, as if there were none.
 *
 * @throws ApiProblem 412 where it is not the version that If-Match names: somebody has changed it meanwhile
 */
function demandNote(notes: Notes, req: Request, res: Response) {
  const { id } = req.params;
  const found = /^[1-9]\d{0,14}$/.test(String(id)) ? notes.find(tokenOf(res).sub, Number(id)) : undefined;
  const wanted = req.get('if-match');
  if (wanted !== undefined && !matches(wanted, found?.etag))
    throw new ApiProblem(412, 'This note has changed since it was read: read it again');
  if (!found) throw notFound();
  return found;
}

function matches(wanted: string, etag: string | undefined): boolean {
  if (etag === undefined) return false;
  return wanted.split(',').some((one) => one.trim() === '*' || one.trim() === etag);
}

/**
 * The fields in the body, checked.
 *
 * @param usual what a field that is left out becomes; without it, every field may be left out
 */
function fieldsIn(req: Request, usual: Pick<NoteFields, 'done'>): NoteFields;
function fieldsIn(req: Request): Partial<NoteFields>;
function fieldsIn(req: Request, usual?: Pick<NoteFields, 'done'>): Partial<NoteFields> {
  if (!req.is(['json', 'application/merge-patch+json']))
    throw new ApiProblem(415, 'Send the note as JSON, with Content-Type: application/json');
  const { body } = req;
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new ApiProblem(400, 'The body must be an object, such as { "text": "Buy milk" }');
  const { text, done = usual?.done } = body;
  if (typeof text !== 'string' && (usual || text !== undefined))
    throw invalidField('text', 'The text must be a string');
  if (text?.trim() === '') throw invalidField('text', 'The text must not be empty');
  if (text?.length > longestText)
    throw invalidField('text', `The text must have ${longestText} characters at most`);
  if (typeof done !== 'boolean' && done !== undefined)
    throw invalidField('done', 'Whether it is done must be true or false');
  return { ...(text !== undefined && { text: text.trim() }), ...(done !== undefined && { done }) };
}
