import type { ProviderConfig } from '../config/index.ts';
import { random, redirectAddress, type SignInOutcome, startSignIn } from './attempts.ts';
import { blame, findCulprits, leastOf } from './culprits.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import { clientHint, registerHint, requestHint, signedHint } from './hints.ts';
import { speaksOfAddress, wordsOf } from './refusal.ts';
import type { Subject } from './subject.ts';

const address = 'redirect address';
const request = 'sign-in request';

/** Starts a sign-in that nobody ends. Where the provider refuses it, looks for what it is that it refuses. */
export async function checkSignIn(config: Subject, settings: ProviderConfig): Promise<Finding[]> {
  const outcome = await startSignIn(config, settings);
  if (outcome.state === 'silent') return [silent(outcome)];
  if (outcome.state === 'refused') return explain(outcome, config, settings);
  return [await checkAddress(outcome, config, settings)];
}

function silent({ at, code }: SignInOutcome): Finding {
  const why = code ? ` (${code})` : '';
  const hint = 'Check that a firewall lets this machine reach it.';
  if (at === 'push') return failed(request, `the PAR endpoint does not answer${why}.`, hint);
  // Browsers may reach it all the same.
  return warning(address, `could not be checked: the authorization endpoint does not answer${why}.`, hint);
}

function taken(config: Subject): Finding {
  return ok(address, `the provider accepts ${redirectAddress(config)}.`);
}

/** Nothing was refused: would an address that cannot be registered be? */
async function checkAddress(
  outcome: SignInOutcome,
  config: Subject,
  settings: ProviderConfig,
): Promise<Finding> {
  if (outcome.cameBack || outcome.pushed) return taken(config);
  const other = await startSignIn(config, settings, madeUpAddress());
  if (other.state === 'silent') return silent(other);
  if (other.state === 'refused' && !other.cameBack) return taken(config);
  return warning(
    address,
    'could not be checked from outside: the provider asks users to sign in first.',
    registerHint(config),
  );
}

async function explain(
  outcome: SignInOutcome,
  config: Subject,
  settings: ProviderConfig,
): Promise<Finding[]> {
  const { cameBack } = outcome;
  const ofSigning = await blameSigning(config, settings);
  if (ofSigning) return ofSigning;
  if (!cameBack && speaksOfAddress(outcome)) {
    return [failed(address, `the provider refuses it (${wordsOf(outcome)}).`, registerHint(config))];
  }
  // The client is not known: no other request would get further.
  if (outcome.at === 'push' && (outcome.status === 401 || outcome.error === 'invalid_client')) {
    const text = `the provider refuses the pushed request (${wordsOf(outcome)}).`;
    return [failed(request, text, clientHint(settings))];
  }
  const { least, leastOutcome, culprits } = await findCulprits(config, settings);
  if (leastOutcome.state === 'passed') {
    return [await checkAddress(leastOutcome, config, least), ...blame(culprits, outcome)];
  }
  if (cameBack) {
    const text = `is accepted, but the request is refused (${wordsOf(outcome)}).`;
    return [failed(address, text, hintFor(outcome, config, settings))];
  }
  if (outcome.at === 'push' || outcome.pushed) {
    const where = outcome.at === 'push' ? 'the pushed request' : 'the pushed request where it is opened';
    const text = `the provider refuses ${where} (${wordsOf(outcome)}).`;
    return [failed(request, text, hintFor(outcome, config, settings))];
  }
  return [await compareRefusals(outcome, config, settings)];
}

/**
 * Is it the signature, whatever else is asked for? This comes first: a provider that does not read a signed request finds no
 * redirect address, which would be blamed otherwise. What is wrong besides is then found by unsigned requests.
 */
async function blameSigning(config: Subject, settings: ProviderConfig): Promise<Finding[] | undefined> {
  if (!settings.requestObject) return undefined;
  const signed = await startSignIn(config, leastOf(settings));
  if (signed.state !== 'refused') return undefined;
  const unsigned = { ...settings, requestObject: false };
  const plain = await startSignIn(config, leastOf(unsigned));
  if (plain.state !== 'passed') return undefined;
  const text = `the provider refuses it signed (${wordsOf(signed)}), and accepts it unsigned.`;
  return [...(await checkSignIn(config, unsigned)), failed(request, text, signedHint(signed))];
}

/** Every request is refused: is it because of the address, or whatever the address? */
async function compareRefusals(
  outcome: SignInOutcome,
  config: Subject,
  settings: ProviderConfig,
): Promise<Finding> {
  const other = await startSignIn(config, settings, madeUpAddress());
  const hint = requestHint(outcome, config, settings);
  const differs = other.state !== 'refused' || comparable(other) !== comparable(outcome);
  if (outcome.description && (hint || differs)) {
    const text = `the provider refuses it (${wordsOf(outcome)}).`;
    return failed(request, text, hint ?? hintFor(outcome, config, settings));
  }
  const words = outcome.description ? `(${wordsOf(outcome)})` : 'and does not say why';
  return failed(
    address,
    `the provider refuses every request of this app ${words}. The address may be one reason of several: this app may also be disabled, not be allowed the authorization code flow, or have to send a request object or use PAR.`,
    registerHint(config),
  );
}

function hintFor(outcome: SignInOutcome, config: Subject, settings: ProviderConfig): string {
  return (
    requestHint(outcome, config, settings) ??
    'Compare OIDC_SCOPE, OIDC_RESOURCE and OIDC_PROMPT, and the registration of this app, with what the provider offers.'
  );
}

/** Pages about one error differ in ids and times. */
function comparable({ error, status, description = '' }: SignInOutcome): string {
  return [error, status, description.slice(0, 2_000).replace(/[\w-]*\d[\w-]*/g, '#')].join(' ');
}

function madeUpAddress(): string {
  return `https://${random()}.invalid/auth/callback`;
}
