import express, { type Request, type RequestHandler } from 'express';

/** The query as it came: a parameter given twice can be recognised, and a further "?" belongs to a value. */
export function queryOf(req: Request): URLSearchParams {
  const start = req.originalUrl.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : req.originalUrl.slice(start + 1));
}

/** The form's fields as they came; none when the body is not a form. */
export function formOf(req: Request): URLSearchParams {
  return new URLSearchParams(typeof req.body === 'string' ? req.body : '');
}

/** Of two values for one parameter nobody can say which is meant (ASVS 15.3.7). */
export function hasRepeats(parameters: URLSearchParams): boolean {
  return new Set(parameters.keys()).size < parameters.size;
}

/** A form's body as it came, so that fields given twice can be noticed. */
export function readForm(limit: string): RequestHandler {
  return express.text({ type: 'application/x-www-form-urlencoded', limit });
}
