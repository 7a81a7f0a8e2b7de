import cluster from 'node:cluster';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

// What tells one running instance from the others, on each log line and in each metric: OpenTelemetry's names for it.

/**
 * The id of this instance, `service.instance.id`: that of OTEL_RESOURCE_ATTRIBUTES, else host name and process id. A
 * worker of WORKERS adds its process id to a given one, which all workers inherit.
 */
export function instanceId(): string {
  const given = resourceAttribute('service.instance.id');
  if (given === undefined) return `${hostname()}-${process.pid}`;
  return cluster.isWorker ? `${given}-${process.pid}` : given;
}

/** The name of this app, `service.name`: as OpenTelemetry's variables say, else that of its package.json. */
export function serviceName(): string {
  return process.env.OTEL_SERVICE_NAME?.trim() || resourceAttribute('service.name') || packageName();
}

/** One of `name=value,name=value`, the values percent-encoded (OpenTelemetry's Resource SDK specification). */
function resourceAttribute(wanted: string): string | undefined {
  for (const pair of (process.env.OTEL_RESOURCE_ATTRIBUTES ?? '').split(',')) {
    const [name = '', ...value] = pair.split('=');
    if (name.trim() === wanted) return decoded(value.join('=').trim()) || undefined;
  }
  return undefined;
}

/** What is not percent-encoded properly is taken as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Of the folder that the app runs from. Without one: what OpenTelemetry's SDK says then. */
function packageName(): string {
  try {
    const { name } = JSON.parse(readFileSync('package.json', 'utf8')) as { name?: unknown };
    if (typeof name === 'string' && name !== '') return name;
  } catch {
    // No such file, or not JSON: nothing that a log should fail on.
  }
  return 'unknown_service:node';
}
