import type { IncomingMessage } from 'node:http';
import express, { type Request } from 'express';

/** A form's body as it came: what is parsed no longer knows the order of its fields. */
const bodies = new WeakMap<IncomingMessage, Buffer>();

/** Reads the body of a page's form: at most 64 KB and 100 fields. */
export const readForm = express.urlencoded({
  extended: false,
  limit: '64kb',
  parameterLimit: 100,
  verify: (req, _res, body) => void bodies.set(req, body),
});

/** The fields of a form in the order in which they came, each as often as it came; undefined for no form that was read. */
export function sentFields(req: Request): [name: string, value: string][] | undefined {
  const body = bodies.get(req);
  return body && [...new URLSearchParams(body.toString('utf8'))];
}
