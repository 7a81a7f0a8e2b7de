import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** Gives origins as they stand now: discovery is lazy, so they may come late and may change. */
export type Origins = () => readonly string[];

/**
 * The headers of every answer (R16), set by Helmet. `formTargets` are the origins that a form of ours may
 * lead on to: the provider's end_session and authorization endpoints. Chromium checks `form-action` on the
 * redirect after a form too, and silently stays on the page where the target is missing.
 */
export function securityHeaders({ secure, formTargets }: { secure: boolean; formTargets: Origins }) {
  const others = helmet({
    contentSecurityPolicy: false,
    referrerPolicy: { policy: 'same-origin' },
    // A browser ignores HSTS on http; on https one year, subdomains included (ASVS 3.4.1).
    strictTransportSecurity: secure ? { maxAge: 31_536_000, includeSubDomains: true } : false,
    xFrameOptions: { action: 'deny' },
  });
  const policy = contentSecurityPolicy(formTargets, () => []);

  const handler: RequestHandler = (req, res, next) => {
    policy(req, res, (error?: unknown) => (error ? next(error) : others(req, res, next)));
  };
  return handler;
}

/**
 * Lets these origins show the answer in a frame, and nobody else. Only for the front-channel logout, which
 * the provider loads in a frame; it comes after `securityHeaders`.
 */
export function frameable(origins: Origins): RequestHandler {
  const policy = contentSecurityPolicy(() => [], origins);
  return (req, res, next) => {
    // X-Frame-Options cannot name an origin; frame-ancestors does, and goes before it where both stand.
    if (origins().length > 0) res.removeHeader('X-Frame-Options');
    policy(req, res, next);
  };
}

/** For whatever depends on a session: neither a proxy nor the back button may show it to somebody else. */
export const noStore: RequestHandler = (_req, res, next) => {
  res.setHeader('Cache-Control', 'no-store');
  next();
};

/** Nothing is allowed but what our own pages use. Built anew only when an origin changes. */
function contentSecurityPolicy(formTargets: Origins, frameAncestors: Origins): RequestHandler {
  let builtFor: string | undefined;
  let current: ReturnType<typeof helmet.contentSecurityPolicy>;

  return (req, res, next) => {
    const targets = formTargets();
    const ancestors = frameAncestors();
    const wanted = `${targets.join(' ')}|${ancestors.join(' ')}`;
    if (wanted !== builtFor) {
      current = helmet.contentSecurityPolicy({
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'"],
          imgSrc: ["'self'"],
          connectSrc: ["'self'"],
          formAction: [...new Set(["'self'", ...targets])],
          baseUri: ["'none'"],
          frameAncestors: ancestors.length > 0 ? [...new Set(ancestors)] : ["'none'"],
        },
      });
      builtFor = wanted;
    }
    current(req, res, next);
  };
}
