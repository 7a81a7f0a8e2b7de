import { hash } from 'node:crypto';
import type { Express } from 'express';

/**
 * Puts the stylesheets of a page into it, for where the requests for them would be refused as the page's own was. Each is
 * named by its hash, so that the policy lets it through and no other (CSP3 §6.7.3).
 *
 * @param policy the policy of all pages
 */
export function withInlineStyles(
  app: Express,
  html: string,
  policy: string,
): { html: string; policy: string } {
  const read = app.get('read asset') as ((href: string) => string | undefined) | undefined;
  const hashes: string[] = [];
  const styled = html.replace(/<link rel="stylesheet" href="([^"]*)">/g, (link, href) => {
    const css = read?.(href);
    // It would end there, and the rest would be printed.
    if (css === undefined || /<\/style/i.test(css)) return link;
    // As the browser reads it: a line has one end.
    const text = css.replaceAll(/\r\n?/g, '\n');
    hashes.push(`'sha256-${hash('sha256', text, 'base64')}'`);
    return `<style>${text}</style>`;
  });
  return { html: styled, policy: policy.replace(/style-src [^;]*/, (part) => [part, ...hashes].join(' ')) };
}
