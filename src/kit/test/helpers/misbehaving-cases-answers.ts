import type { Case } from './misbehaving-sign-in.ts';

const hostile = '<script>alert(1)</script> provider-says-no';
const twice = (honest: string) => [honest, 'another'];
const refusal = (error: string) => ({ code: undefined, error, error_description: hostile });

/** The redirect back to us. The code of a bad one is never sent. */
export const answerCases = whereTheCodeStays([
  {
    name: 'an answer without state',
    lies: { answer: { state: undefined } },
    reason: 'state_missing',
    stays: true,
  },
  {
    name: 'an answer with an empty state',
    lies: { answer: { state: '' } },
    reason: 'state_missing',
    stays: true,
  },
  {
    name: 'an answer with a foreign state',
    lies: { answer: { state: 'a'.repeat(43) } },
    reason: 'state_unknown',
    stays: true,
  },
  {
    name: 'an answer whose state is a path',
    lies: { answer: { state: '../../x;y="z' } },
    reason: 'state_unknown',
    stays: true,
  },
  {
    name: 'an answer with two states',
    lies: { answer: { state: twice } },
    reason: 'callback_parameters',
    stays: true,
  },
  {
    name: 'an answer with two codes',
    lies: { answer: { code: twice } },
    reason: 'callback_parameters',
  },
  {
    name: 'an answer with two issuers',
    lies: { answer: { iss: twice } },
    reason: 'callback_parameters',
  },
  {
    name: 'an answer with neither code nor error',
    lies: { answer: { code: undefined } },
    reason: 'callback_parameters',
  },
  {
    name: 'an answer of another issuer',
    lies: { answer: { iss: 'https://other.example.com' } },
    reason: 'issuer_mismatch',
  },
  {
    name: 'an answer of our issuer with a slash more',
    lies: { answer: { iss: (iss) => `${iss}/` } },
    reason: 'issuer_mismatch',
  },
  {
    name: 'an answer without the issuer that was promised',
    lies: { answer: { iss: undefined } },
    reason: 'issuer_mismatch',
  },
  { name: 'a person who declines', lies: { answer: refusal('access_denied') }, reason: 'access_denied' },
  {
    name: 'an error answer without state',
    lies: { answer: { ...refusal('access_denied'), state: undefined } },
    reason: 'state_missing',
    stays: true,
  },
  {
    name: 'an error answer with a foreign state',
    lies: { answer: { ...refusal('access_denied'), state: 'b'.repeat(43) } },
    reason: 'state_unknown',
    stays: true,
  },
  {
    name: 'an error answer of another issuer',
    lies: { answer: { ...refusal('access_denied'), iss: 'https://other.example.com' } },
    reason: 'issuer_mismatch',
  },
  {
    name: 'a provider that would have to ask',
    lies: { answer: refusal('login_required') },
    reason: 'login_required',
  },
  { name: 'a provider that fails', lies: { answer: refusal('server_error') }, reason: 'provider_error' },
  { name: 'an error whose name is a script', lies: { answer: refusal(hostile) }, reason: 'provider_error' },
]);

function whereTheCodeStays(cases: Case[]): Case[] {
  return cases.map((each) => ({ ...each, codeStays: true }));
}
