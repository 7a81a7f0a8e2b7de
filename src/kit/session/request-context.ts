import type { Request, Response } from 'express';
import type { Language } from '../errors/language.ts';
import { languageOf } from '../http/request-language.ts';
import type { Log } from '../log/index.ts';
import type { ApiRequest } from '../provider/index.ts';
import { authOf } from './context.ts';
import type { ApiName, Data, Settings } from './register.ts';

/** What models, actions and rules are handed of a request, besides its user. */
export interface RequestContext {
  req: Request;
  res: Response;
  /** Of the path: `/notes/:id` gives `params.id`. */
  params: Readonly<Record<string, string>>;
  /** What `open` in site.ts gave. */
  data: Data;
  /** The site's own settings. */
  settings: Settings;
  /** The one that this request is answered in, of those in site.ts's `texts`. */
  language: Language;
  log: Log;
  /** Calls one of the site's `apis` with the user's access token; see `fetchApi`. */
  fetchApi: (name: ApiName, path: string, init?: ApiRequest) => Promise<globalThis.Response>;
}

/** The types of the site's own parts are known in its pages only. */
export function requestContext(req: Request, res: Response): RequestContext {
  const { site, fetchApi } = authOf(req).context;
  const { params, log } = req;
  return {
    ...{ req, res, log },
    params: params as Record<string, string>,
    data: site.data as Data,
    settings: site.settings as Settings,
    language: languageOf(req),
    fetchApi: (name, path, init) => fetchApi(req, name, path, init),
  };
}
