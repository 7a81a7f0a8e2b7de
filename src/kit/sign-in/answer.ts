import { hasRepeats } from '../http/parameters.ts';
import { localPath } from '../http/return-path.ts';
import { hintOfError, type Provider } from '../provider/index.ts';
import { readResponse } from '../provider/jarm.ts';

/** What came to a callback, before anything in it is trusted. */
export interface Answer extends Read {
  /** Whose callback address it is; undefined where it is no provider's. */
  provider: Provider | undefined;
  /** Where to go on, if a person was led to the callback's clean address: then no answer came. */
  clean: { returnTo: string } | undefined;
}

interface Read {
  /** What the provider's part verifies. */
  parameters: URLSearchParams;
  /** Which sign-in it says that it answers. */
  state: string | undefined;
  /** Why it cannot be used, whatever sign-in it is for. */
  problem: string | undefined;
  /** The hint for the log if there is no state. */
  hintWithoutState?: string | undefined;
}

export function readAnswer(provider: Provider | undefined, parameters: URLSearchParams): Answer {
  const clean = readClean(parameters);
  if (clean || parameters.size === 0) {
    return { provider, parameters, clean, state: undefined, problem: undefined };
  }
  const isJwt = provider?.settings.responseMode === 'jwt';
  const read: Read = isJwt ? readResponse(parameters) : readPlain(parameters, provider);
  const inFull = (hint: string | undefined) => hint && (provider?.inFull(hint) ?? hint);
  return {
    ...{ ...read, provider, clean },
    problem: inFull(read.problem),
    hintWithoutState: inFull(read.hintWithoutState),
  };
}

/** Each parameter may come once, and there must be a code or an error. */
function readPlain(parameters: URLSearchParams, provider: Provider | undefined): Read {
  const states = parameters.getAll('state');
  const state = states.length === 1 && states[0] ? states[0] : undefined;
  const saysNothing = parameters.has('state') && !parameters.get('code') && !parameters.get('error');
  const problem = hasRepeats(parameters)
    ? 'a parameter of the answer came twice'
    : saysNothing
      ? 'the answer has neither code nor error'
      : undefined;
  const hintWithoutState = provider?.settings.requestObject ? hintOfUnreadRequest(parameters) : undefined;
  return { parameters, state, problem, hintWithoutState };
}

/** A provider that does not accept signed requests cannot read the state in one, so its error comes without it. */
function hintOfUnreadRequest(parameters: URLSearchParams): string | undefined {
  const error = parameters.get('error') ?? '';
  return error === '' ? undefined : `without a state, ${hintOfError(error)}`;
}

function readClean(parameters: URLSearchParams): Answer['clean'] {
  const only = parameters.size === 1 ? parameters.get('returnTo') : null;
  return only === null ? undefined : { returnTo: localPath(only) };
}
