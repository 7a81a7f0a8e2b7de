import type { NextFunction, Request, Response } from 'express';

/** Why a request is refused: a status, and in the body a problem as RFC 9457 has it. */
export class ApiProblem extends Error {
  readonly status: number;
  /** More for the body. `errors` has a list of sentences for each field, as in ASP.NET Core. */
  readonly body: object;
  readonly headers: Record<string, string>;

  constructor(status: number, detail: string, { body = {}, headers = {} } = {}) {
    super(detail);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** Why a token is refused: as an ASP.NET Core API with AddJwtBearer says it, in WWW-Authenticate (RFC 6750 §3). */
export class TokenProblem extends ApiProblem {
  readonly code: string | undefined;

  /**
   * @param code of RFC 6750 §3.1, RFC 9449 §7.1 or RFC 9470 §3; undefined where no token came, then nothing is said about it
   * @param more what else the challenge says, such as `scope`
   */
  constructor(status: 401 | 403, scheme: string, code?: string, description = '', more: Challenge = {}) {
    const said = { error: code, error_description: description, ...more };
    const parts = Object.entries(said).flatMap(([name, value]) =>
      value ? `${name}="${quotable(value)}"` : [],
    );
    const detail = description || (code ? 'The access token is not valid' : 'An access token is needed');
    super(status, detail, {
      body: code ? { error: code } : {},
      headers: { 'WWW-Authenticate': [scheme, parts.join(', ')].filter(Boolean).join(' ') },
    });
    this.code = code;
  }
}

type Challenge = Readonly<Record<string, string>>;

export const notFound = () => new ApiProblem(404, 'There is nothing at this address');

/** What is wrong with a field of the body. */
export const invalidField = (field: string, sentence: string) =>
  new ApiProblem(400, sentence, { body: { errors: { [field]: [sentence] } } });

/** Says what is wrong with the request; of a fault of the API itself only that there is one. */
export function answerProblem(error: Error, _req: Request, res: Response, _next: NextFunction): void {
  const { status, message: detail, body, headers } = asProblem(error);
  res.status(status).set(headers).type('application/problem+json');
  res.send(JSON.stringify({ title: titles[status] ?? 'The request was refused', status, detail, ...body }));
}

function asProblem(error: Error & { type?: string }): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (error instanceof URIError) return notFound();
  const [status, detail] = bodyFaults[error.type ?? ''] ?? [];
  if (status && detail) return new ApiProblem(status, detail);
  // The provider's keys cannot be had: the token may well be good.
  return new ApiProblem(503, 'The API cannot check access tokens at the moment', {
    headers: { 'Retry-After': '5' },
  });
}

/** How express.json says what is wrong with a body. */
const bodyFaults: Record<string, [status: number, detail: string]> = {
  'entity.parse.failed': [400, 'The body is not JSON'],
  'request.size.invalid': [400, 'The body is not as long as Content-Length says'],
  'request.aborted': [400, 'The body broke off'],
  'entity.too.large': [413, 'The body is too large: 10 kB at most'],
  'charset.unsupported': [415, 'The body must be in UTF-8'],
  'encoding.unsupported': [415, 'The body has an encoding that this API does not know'],
};

const titles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
};

/** A token's claims can be any text: they must end neither the quotes nor the header. */
function quotable(value: string): string {
  return value
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .replaceAll(/["\\]/g, '\\$&')
    .slice(0, 300);
}
