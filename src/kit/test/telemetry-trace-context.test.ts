import { createTraceState, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { describe, expect, test } from 'vitest';
import { traceHeaders, traceOf } from '../telemetry/trace-context.ts';

// W3C Trace Context: https://www.w3.org/TR/trace-context/

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const traceparent = `00-${traceId}-${spanId}-01`;
const read = (headers: Record<string, string>) => trace.getSpanContext(traceOf(headers));

describe('the trace of a request', () => {
  test('is the one that its headers name', () => {
    expect(read({ traceparent, tracestate: 'vendor=opaque' })).toMatchObject({
      ...{ traceId, spanId, traceFlags: 1, isRemote: true },
    });
  });

  test('is read from a later version, which may say more', () => {
    expect(read({ traceparent: `${traceparent.replace(/^00/, 'cc')}-more` })).toMatchObject({ traceId });
  });

  test('keeps of the flags only the one that is known', () => {
    expect(read({ traceparent: traceparent.replace(/01$/, 'ff') })).toMatchObject({ traceFlags: 1 });
    expect(read({ traceparent: traceparent.replace(/01$/, '02') })).toMatchObject({ traceFlags: 0 });
  });

  test.each([
    ['are of no known form', 'nonsense'],
    ['are empty', ''],
    ['are in capitals', traceparent.toUpperCase()],
    ['name no trace', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['name no span', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['say more than their version has', `${traceparent}-more`],
    ['are of the forbidden version', traceparent.replace(/^00/, 'ff')],
    ['come twice', `${traceparent}, ${traceparent}`],
    ['never end', `${traceparent.replace(/^00/, 'cc')}-${'x'.repeat(8_000)}`],
  ])('is a new one where its headers %s', (_what, given) => {
    expect(read({ traceparent: given })).toBeUndefined();
  });
});

describe('the headers of a call', () => {
  const within = (tracestate?: string) =>
    traceHeaders(
      trace.setSpanContext(ROOT_CONTEXT, {
        ...{ traceId, spanId, traceFlags: 1 },
        ...(tracestate !== undefined && { traceState: createTraceState(tracestate) }),
      }),
    );

  test('name its trace and its span', () => {
    expect(within()).toEqual({ traceparent });
    expect(within('vendor=opaque')).toEqual({ traceparent, tracestate: 'vendor=opaque' });
  });

  test('hold no state that is too long to be passed on, or of no known form', () => {
    expect(within(`vendor=${'x'.repeat(600)}`)).toEqual({ traceparent });
    expect(within('no state, but\r\na header: of another')).toEqual({ traceparent });
  });

  test('name nothing outside a trace', () => {
    expect(traceHeaders(ROOT_CONTEXT)).toEqual({});
  });
});
