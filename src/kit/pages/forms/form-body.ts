import type { IncomingMessage } from 'node:http';
import express, { type Request, type RequestHandler } from 'express';
import type { ErrorWithMessage, Message } from '../../errors/message.ts';
import { plainPages } from '../../errors/plain-pages.ts';

/** A form as it came: a field that was sent several times is a list. It has no prototype, so each name in it was sent. */
export type FormBody = Readonly<Record<string, string | string[]>>;

const mostBytes = 64 * 1024;
const mostFields = 100;

type Pairs = readonly (readonly [name: string, value: string])[];

/** The fields of a form in the order in which they came, each as often as it came. */
const sent = new WeakMap<IncomingMessage, Pairs>();

/** Why the body of a request is no form. */
const refusals = new WeakMap<IncomingMessage, unknown>();

/**
 * Reads the body of a form into `req.body`, as browsers write it (application/x-www-form-urlencoded, UTF-8). No body is
 * an empty form. What is no form, or too much of one (R23), is an empty form too, until `demandFormBody` refuses it: who
 * is asking comes first.
 */
export const readFormBody: RequestHandler = (req, res, next) => {
  const refuse = (error: unknown) => {
    refusals.set(req, error);
    req.body = formOf([]);
    next();
  };
  if (!isReadable(req)) return refuse(wrongType());
  readBytes(req, res, (error?: unknown) => {
    if (error) return refuse(error);
    const bytes: unknown = req.body;
    const text = Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0);
    // Something without a type is no form, unless it is nothing.
    if (text.length > 0 && req.get('Content-Type') === undefined) return refuse(wrongType());
    if (fieldsIn(text) > mostFields) return refuse(refusal(413, 'the form has too many fields'));
    const pairs = pairsIn(text);
    sent.set(req, pairs);
    req.body = formOf(pairs);
    next();
  });
};

/** Refuses more than 64 KB or 100 fields with 413, and any other type, charset or encoding with 415. */
export const demandFormBody: RequestHandler = (req, _res, next) => next(refusals.get(req));

/** The fields of the form that `readFormBody` has read, as they came; undefined for what is no form. */
export function sentFields(req: Request): Pairs | undefined {
  return sent.get(req);
}

/** Whatever its type, which was looked at before. */
const readBytes = express.raw({ type: () => true, limit: mostBytes });

function isReadable(req: Request): boolean {
  const type = req.get('Content-Type');
  const isEmpty = req.get('Transfer-Encoding') === undefined && !Number(req.get('Content-Length'));
  if (type === undefined || isEmpty) return true;
  const [name = '', ...parameters] = type.split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((each) => each.startsWith('charset='))?.slice('charset='.length);
  return (
    name === 'application/x-www-form-urlencoded' && (charset === undefined || /^"?utf-?8"?$/.test(charset))
  );
}

/** Counted before anything is taken apart. */
function fieldsIn(bytes: Buffer): number {
  let count = 1;
  for (let at = bytes.indexOf('&'); at >= 0 && count <= mostFields; at = bytes.indexOf('&', at + 1)) count++;
  return count;
}

/** As browsers read it (WHATWG URL §5.1): a percent sign that encodes nothing stands for itself. */
function pairsIn(text: Buffer): Pairs {
  return [...new URLSearchParams(text.toString('utf8'))];
}

function formOf(pairs: Pairs): FormBody {
  const form: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of pairs) {
    const earlier = form[name];
    if (earlier === undefined) form[name] = value;
    else if (Array.isArray(earlier)) earlier.push(value);
    else form[name] = [earlier, value];
  }
  return form;
}

function wrongType(): ErrorWithMessage {
  return refusal(415, 'a form is read as application/x-www-form-urlencoded in UTF-8 only');
}

function refusal(status: 413 | 415, message: string): ErrorWithMessage {
  const page = plainPages.byStatus[status] as Message;
  return Object.assign(new Error(message), { status, page });
}
