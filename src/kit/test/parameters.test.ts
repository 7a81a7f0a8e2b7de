import type { Request } from 'express';
import { describe, expect, test } from 'vitest';
import { formOf, hasRepeats, queryOf } from '../http/parameters.ts';

const request = (originalUrl: string, body?: unknown) => ({ originalUrl, body }) as Request;

describe('the query of an answer', () => {
  test('is read to its end, also where a value holds a question mark', () => {
    const query = queryOf(request('/auth/callback?code=a?b&state=c'));
    expect(Object.fromEntries(query)).toEqual({ code: 'a?b', state: 'c' });
  });

  test('is empty where there is none', () => {
    expect(queryOf(request('/auth/callback')).size).toBe(0);
  });
});

test('a body that is no form has no fields', () => {
  expect(formOf(request('/', { code: 'a' })).size).toBe(0);
  expect(formOf(request('/', 'code=a')).get('code')).toBe('a');
});

test('a parameter that comes twice is recognised, whether its values are the same or not', () => {
  expect(hasRepeats(new URLSearchParams('a=1&b=1'))).toBe(false);
  expect(hasRepeats(new URLSearchParams('a=1&a=1'))).toBe(true);
  expect(hasRepeats(new URLSearchParams('a=1&b=2&a=3'))).toBe(true);
});
