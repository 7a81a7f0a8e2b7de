/** What pages may load from other origins, each `https://host` without a path. */
export interface PolicyAdditions {
  imgSrc?: readonly string[];
  fontSrc?: readonly string[];
  connectSrc?: readonly string[];
  mediaSrc?: readonly string[];
  styleSrc?: readonly string[];
  scriptSrc?: readonly string[];
  frameSrc?: readonly string[];
  workerSrc?: readonly string[];
}

const directives: readonly string[] = [
  ...['imgSrc', 'fontSrc', 'connectSrc', 'mediaSrc'],
  ...['styleSrc', 'scriptSrc', 'frameSrc', 'workerSrc'],
];

/** What is wrong with a site's additions, each a sentence. Nothing may weaken what the kit relies on (R16). */
export function policyProblems(additions: unknown): string[] {
  if (additions === undefined) return [];
  if (typeof additions !== 'object' || additions === null || Array.isArray(additions)) {
    return ['contentSecurityPolicy must be an object such as { imgSrc: ["https://images.example.com"] }.'];
  }
  return Object.entries(additions).flatMap(([name, sources]) => {
    if (!directives.includes(name)) {
      return `contentSecurityPolicy takes no ${name}: only ${directives.join(', ')}.`;
    }
    if (sources === undefined) return [];
    if (!Array.isArray(sources)) return `contentSecurityPolicy: ${name} must be a list of https origins.`;
    return sources
      .filter((source) => !isHttpsOrigin(source))
      .map(
        (source) =>
          `contentSecurityPolicy: ${name} takes https origins such as https://cdn.example.com, not ${shown(source)}.`,
      );
  });
}

/** One host, by name: no wildcard, no path, nothing that ends a directive. */
function isHttpsOrigin(source: unknown): boolean {
  if (typeof source !== 'string' || !/^https:\/\/[a-z0-9.-]+(:\d{1,5})?$/i.test(source)) return false;
  return URL.parse(source)?.protocol === 'https:';
}

function shown(source: unknown): string {
  return typeof source === 'string' ? JSON.stringify(source.slice(0, 100)) : `a ${typeof source}`;
}
