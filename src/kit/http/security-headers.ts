import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { RequestHandler } from 'express';
import helmet from 'helmet';
import type { PolicyAdditions } from './policy-additions.ts';

interface Options {
  baseUrl: string;
  additions?: PolicyAdditions | undefined;
}

/**
 * The headers of every answer (R16): what Helmet sets, worked out once, as they are always the same. Helmet has a middleware
 * for each of them, and called at each request these take 5 % of a page's CPU (bench, November 2026).
 */
export function securityHeaders(options: Options): RequestHandler {
  const res = new ServerResponse(new IncomingMessage(new Socket()));
  helmets(options)(res.req, res, (error) => {
    if (error) throw error;
  });
  const headers = res.getHeaderNames().map((name) => [name, String(res.getHeader(name))] as const);
  return (_req, res, next) => {
    for (const [name, value] of headers) res.setHeader(name, value);
    next();
  };
}

/** Helmet, with what we ask of it. */
export function helmets({ baseUrl, additions }: Options) {
  return helmet({
    contentSecurityPolicy: contentSecurityPolicy([], additions),
    referrerPolicy: { policy: 'same-origin' },
    strictTransportSecurity: mayDemandHttps(baseUrl) && { maxAge: 31_536_000, includeSubDomains: true },
    xFrameOptions: { action: 'deny' },
  });
}

/**
 * Lets these origins show the answer in a frame, and nobody else. Only for the front-channel logout, which
 * the provider loads in a frame; it comes after `securityHeaders`.
 */
export function frameable(origins: readonly string[]): RequestHandler {
  const policy = helmet.contentSecurityPolicy(contentSecurityPolicy(origins));
  return (req, res, next) => {
    // X-Frame-Options cannot name an origin; frame-ancestors does, and goes before it where both stand.
    if (origins.length > 0) res.removeHeader('X-Frame-Options');
    policy(req, res, next);
  };
}

/**
 * Nothing is allowed but what our own pages use, and what the site adds. A form leads to ourselves only: what must go
 * on to the provider is answered by a page (`leaveForProvider`), because Chromium checks `form-action` at every later
 * redirect too.
 */
function contentSecurityPolicy(frameAncestors: readonly string[], additions: PolicyAdditions = {}) {
  // Its own parts only: those are what `policyProblems` has looked at.
  const given: PolicyAdditions = Object.assign(Object.create(null), additions);
  const withSelf = (added: readonly string[] = []) => ["'self'", ...added];
  // What the kit's pages do not use themselves is there only where the site adds something.
  const added = Object.fromEntries(
    (['fontSrc', 'mediaSrc', 'frameSrc', 'workerSrc'] as const)
      .filter((name) => given[name]?.length)
      .map((name) => [name, withSelf(given[name])]),
  );
  return {
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: withSelf(given.scriptSrc),
      styleSrc: withSelf(given.styleSrc),
      imgSrc: withSelf(given.imgSrc),
      connectSrc: withSelf(given.connectSrc),
      ...added,
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: frameAncestors.length > 0 ? [...new Set(frameAncestors)] : ["'none'"],
    },
  };
}

/**
 * HSTS for a year, subdomains included (ASVS 3.4.1). Browsers ignore it on http and for an address (RFC 6797 §8.1.1). For a
 * loopback name they would take it for every port, and whatever else is developed there on http could no longer be opened.
 */
function mayDemandHttps(baseUrl: string): boolean {
  const { protocol, hostname } = new URL(baseUrl);
  return protocol === 'https:' && !/(^|\.)localhost\.?$/.test(hostname);
}
