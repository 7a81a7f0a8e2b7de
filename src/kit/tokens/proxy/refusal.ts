import type { ErrorWithMessage } from '../../errors/message.ts';
import { plainPages } from '../../errors/plain-pages.ts';

const pages = {
  400: plainPages.notUnderstood,
  403: plainPages.otherSite,
  405: plainPages.wrongMethod,
  413: plainPages.tooLarge,
} as const;

/** What a request gets that the proxy does not pass on. */
export function refusal(status: keyof typeof pages, why: string): ErrorWithMessage {
  return Object.assign(new Error(why), { status, page: pages[status] });
}
