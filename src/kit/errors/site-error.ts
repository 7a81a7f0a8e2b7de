/** A function of site.ts that keeps the app from starting. What it threw is the cause. */
export class SiteError extends Error {
  override name = 'SiteError';
}
