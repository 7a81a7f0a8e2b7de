import { hasRepeats } from '../http/parameters.ts';
import { localPath } from '../http/return-path.ts';
import { hintOfError, type Provider } from '../provider/index.ts';
import { readResponse } from '../provider/jarm.ts';

/** What came to a callback, before anything in it is trusted. */
export interface Answer {
  /** The one to whose address it came; undefined for an address that is no provider's. */
  provider: Provider | undefined;
  /** What the provider's part judges. */
  parameters: URLSearchParams;
  /** Which sign-in it says it answers. */
  state: string | undefined;
  /** Why nobody can use it. */
  unclear: string | undefined;
  /** For the developer, where an answer says of no sign-in that it is its answer. */
  stateless?: string | undefined;
  /** There is none: a person was led to the callback's clean address. */
  clean: { returnTo: string } | undefined;
}

export function readAnswer(provider: Provider | undefined, parameters: URLSearchParams): Answer {
  const clean = readClean(parameters);
  if (clean || parameters.size === 0) {
    return { provider, parameters, clean, state: undefined, unclear: undefined };
  }
  const isJwt = provider?.settings.responseMode === 'jwt';
  const read: Read = isJwt ? readResponse(parameters) : readPlain(parameters, provider);
  const inFull = (hint: string | undefined) => hint && (provider?.inFull(hint) ?? hint);
  return { provider, clean, ...read, unclear: inFull(read.unclear), stateless: inFull(read.stateless) };
}

type Read = Pick<Answer, 'parameters' | 'state' | 'unclear' | 'stateless'>;

/** Each parameter of an answer comes once, and it says something. */
function readPlain(parameters: URLSearchParams, provider: Provider | undefined): Read {
  const states = parameters.getAll('state');
  const state = states.length === 1 && states[0] ? states[0] : undefined;
  const saysNothing = parameters.has('state') && !parameters.get('code') && !parameters.get('error');
  const unclear = hasRepeats(parameters)
    ? 'a parameter of the answer came twice'
    : saysNothing
      ? 'the answer holds neither code nor error'
      : undefined;
  const stateless = provider?.settings.requestObject ? refusedUnread(parameters) : undefined;
  return { parameters, state, unclear, stateless };
}

/** A provider that takes no signed requests has not read the state in them, so its answer does not say whose it is. */
function refusedUnread(parameters: URLSearchParams): string | undefined {
  const error = parameters.get('error') ?? '';
  return error === '' ? undefined : `without a state, ${hintOfError(error)}`;
}

function readClean(parameters: URLSearchParams): Answer['clean'] {
  const only = parameters.size === 1 ? parameters.get('returnTo') : null;
  return only === null ? undefined : { returnTo: localPath(only) };
}
