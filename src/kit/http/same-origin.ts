import type { Request, RequestHandler } from 'express';
import type { ErrorWithMessage } from '../errors/message.ts';
import { plainPages } from '../errors/plain-pages.ts';
import type { Audit } from '../log/index.ts';

interface Options {
  baseUrl: string;
  /** Addresses that others may post to: the back-channel logout, and the callback with form_post. */
  exempt: (path: string) => boolean;
  audit: Audit;
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Takes a request that changes something only from our own pages (R17). Every browser of today says where a
 * request comes from, and no page can forge it. Whose page it was is another question: see `ownPage`.
 */
export function sameOrigin({ baseUrl, exempt, audit }: Options): RequestHandler {
  return (req, _res, next) => {
    if (safeMethods.has(req.method) || exempt(req.path)) return next();

    if (isSameOrigin(req, baseUrl)) return next();

    audit('request.cross_origin_refused', { reason: reasonOf(req), method: req.method }, req);
    next(fromElsewhere());
  };
}

/** Did one of our own pages send this? Said by the browser, and no page can forge it. */
export function isSameOrigin(req: Request, baseUrl: string): boolean {
  const site = req.get('Sec-Fetch-Site');
  // Browsers before 2023 send no Sec-Fetch-Site, but an Origin with every POST. Neither: not a browser.
  return site === undefined ? req.get('Origin') === baseUrl : site === 'same-origin';
}

/** What the log says: our own words, as the headers are the sender's. */
function reasonOf(req: Request): string {
  const site = req.get('Sec-Fetch-Site');
  if (site !== undefined) {
    return /^(cross-site|same-site|none)$/.test(site)
      ? `Sec-Fetch-Site: ${site}`
      : 'Sec-Fetch-Site is not valid';
  }
  return req.get('Origin') === undefined ? 'neither Sec-Fetch-Site nor Origin' : 'Origin is not BASE_URL';
}

function fromElsewhere(): ErrorWithMessage {
  return Object.assign(new Error('a request that changes something did not come from our own pages'), {
    status: 403,
    page: plainPages.otherSite,
  });
}
