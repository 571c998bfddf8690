import { assert, bigInt, constantFrom, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { approximately, compareQuantities, gibRoundedUp, milliUnits, parseQuantity, wholeUnits } from '../../src/kubernetes/quantity.ts';

const suffixes = { n: 1n, u: 10n ** 3n, m: 10n ** 6n, '': 10n ** 9n, k: 10n ** 12n, M: 10n ** 15n, G: 10n ** 18n, T: 10n ** 21n, P: 10n ** 24n, E: 10n ** 27n, Ki: 10n ** 9n << 10n, Mi: 10n ** 9n << 20n, Gi: 10n ** 9n << 30n, Ti: 10n ** 9n << 40n, Pi: 10n ** 9n << 50n, Ei: 10n ** 9n << 60n };
const suffix = constantFrom(...(Object.keys(suffixes) as (keyof typeof suffixes)[]));
const whole = bigInt({ min: 0n, max: 10n ** 18n });

describe('quantities', () => {
  it.each([
    ['20Gi', 21_474_836_480n],
    ['1.5T', 1_500_000_000_000n],
    ['1e3', 1000n],
    ['1E3', 1000n],
    ['1E', 10n ** 18n],
    ['.5Ki', 512n],
    ['5.', 5n],
    ['+7', 7n],
    ['1.5', 2n],
    ['100m', 1n],
    ['0', 0n],
    ['12345e-2', 124n],
  ])('reads %s as %d whole units', (text, units) => {
    expect(wholeUnits(text)).toBe(units);
  });

  it.each(['', '.', 'Gi', '20GB', '20 Gi', '1e', '--1', '1Gi2', 'abc', '0x10', '1ki'])('refuses %j and says what is allowed', (text) => {
    expect(() => parseQuantity(text)).toThrow(`"${text}" is no quantity`);
  });

  it('rounds GiB up, CPU to thousandths, and finer than a billionth up', () => {
    expect(gibRoundedUp('20Gi')).toBe(20);
    expect(gibRoundedUp('20G')).toBe(19);
    expect(gibRoundedUp('21474836481')).toBe(21);
    expect(milliUnits('1.5')).toBe(1500n);
    expect(milliUnits('100u')).toBe(1n);
    expect(parseQuantity('0.0000000001')).toBe(1n);
    expect(parseQuantity('-1.5')).toBe(-1_500_000_000n);
    expect(approximately('250m')).toBe(0.25);
  });

  it('is exact for every whole number and suffix', () => {
    assert(property(whole, suffix, (number, unit) => parseQuantity(`${number}${unit}`) === number * suffixes[unit]));
  });

  it('gives the same value for a number however its decimal point is moved', () => {
    assert(
      property(whole, integer({ min: 0, max: 9 }), (number, places) => {
        const padded = number.toString().padStart(places + 1, '0');
        const pointed = places === 0 ? padded : `${padded.slice(0, -places)}.${padded.slice(-places)}`;
        return parseQuantity(`${pointed}e${places}`) === parseQuantity(String(number));
      }),
    );
  });

  it('orders as its values do, whatever the suffixes', () => {
    assert(property(whole, suffix, whole, suffix, (a, unitA, b, unitB) => {
      const [left, right] = [a * suffixes[unitA], b * suffixes[unitB]];
      return compareQuantities(`${a}${unitA}`, `${b}${unitB}`) === (left === right ? 0 : left < right ? -1 : 1);
    }));
    expect(compareQuantities('1Gi', '1024Mi')).toBe(0);
  });

  it('never rounds a size down, and never up by a whole GiB', () => {
    const gib = 10n ** 9n << 30n;
    assert(property(bigInt({ min: 0n, max: 10n ** 15n }), constantFrom('', 'k', 'M', 'Ki', 'Mi'), (number, unit) => {
      const rounded = BigInt(gibRoundedUp(`${number}${unit}`)) * gib;
      const exact = number * suffixes[unit];
      return rounded >= exact && rounded - exact < gib;
    }));
  });
});
