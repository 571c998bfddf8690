// Addresses of the page, written and read back.

import { describe, expect, it } from 'vitest';
import { addressOf, placeAt, type Place } from '../../src/page/addresses.ts';
import { HOSTILE } from './sights.ts';

describe('addresses', () => {
  it.each<[string, Place]>([
    ['/', { kind: 'all', namespace: '', open: false, after: '' }],
    ['/?namespace=shop&only=open&after=shop%2Fweb', { kind: 'all', namespace: 'shop', open: true, after: 'shop/web' }],
    ['/sets/shop/web', { kind: 'set', namespace: 'shop', name: 'web' }],
  ])('%s is read and written', (address, place) => {
    expect(placeAt(address)).toEqual(place);
    expect(addressOf(place)).toBe(address);
  });

  it.each(HOSTILE)('keep hostile name %# whole', (name) => {
    const place: Place = { kind: 'set', namespace: name, name };
    expect(placeAt(addressOf(place))).toEqual(place);
  });

  it.each(['/sets', '/sets/shop', '/sets/shop/', '/sets/shop/web/more', '/sets/%zz/web', '/metrics', '//elsewhere/', 'http://elsewhere/', `/sets/shop/${'n'.repeat(254)}`, `/?after=${'n'.repeat(5_000)}`])('which none is, %#', (address) => {
    expect(placeAt(address)).toBeUndefined();
  });
});
