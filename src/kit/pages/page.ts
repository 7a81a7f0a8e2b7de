import type { Request, Response } from 'express';
import type { Rule, User } from '../auth.ts';

/** A room of the app, as data: where it is, who may see it, and what it shows. */
export type Page = PublicPage | ProtectedPage;

interface Described {
  path: string;
  title: string;
  /** The file in `views/`, without its ending. */
  view: string;
  /** Its name in the menu; a page without one is in no menu. */
  nav?: string;
  /** One sentence for its card on the home page; a page without one has no card. */
  about?: string;
}

/** Seen by everyone, so there may be no user. */
export interface PublicPage extends Described {
  access: 'everyone';
  model?: (ctx: { req: Request; res: Response; user: User | undefined }) => object | Promise<object>;
}

/** Seen only by those the rule lets in, so there is always a user: the type says so. */
export interface ProtectedPage extends Described {
  access: 'signed-in' | Rule;
  model?: (ctx: ProtectedContext) => object | Promise<object>;
  /** The forms this page posts: `end` is `POST <path>/end`. */
  actions?: Record<string, PageAction>;
}

export interface PageAction {
  /** Left out, whoever may see the page may do this. */
  access?: Rule;
  /** Does it, and says where to go next: a local path (303), or what the auth part returned. */
  run: (ctx: ProtectedContext) => Promise<string | URL>;
}

export interface ProtectedContext {
  req: Request;
  res: Response;
  user: User;
}

/** Returns the page as it is; written so that the model's `user` gets its type from `access`. */
export function definePage(page: PublicPage): PublicPage;
export function definePage(page: ProtectedPage): ProtectedPage;
export function definePage(page: Page): Page {
  return page;
}
