// Whether something that may be ours is taken for ours.

import { describe, expect, it } from 'vitest';
import { adoption, differences, identityTags, TAG_VISIBILITY_LAG_MS, TOKEN_TRUSTED_MS, tokenIsTrusted } from '../../src/alicloud/adoption.ts';

const SAME = { id: 'd-1', differences: [] };

describe('adoption', () => {
  it('takes the one match that is what was asked for', () => {
    expect(adoption('disk', [SAME], 0)).toEqual({ kind: 'adopt', id: 'd-1' });
    expect(adoption('disk', [SAME], 10 * TOKEN_TRUSTED_MS)).toEqual({ kind: 'adopt', id: 'd-1' });
  });

  it('leaves one that is something else to a person', () => {
    expect(adoption('disk', [{ id: 'd-1', differences: ['size is 40, not 20'] }], 0)).toMatchObject({ kind: 'ambiguous', message: expect.stringContaining('size is 40, not 20') });
  });

  it('leaves several to a person, and names them', () => {
    expect(adoption('disk', [SAME, { id: 'd-2', differences: [] }], 0)).toMatchObject({ kind: 'ambiguous', message: expect.stringContaining('d-1, d-2') });
  });

  it('waits for tags to show until nothing that was asked for in time can hide any more', () => {
    const last = TOKEN_TRUSTED_MS + TAG_VISIBILITY_LAG_MS;
    expect(adoption('disk', [], last - 1).kind).toBe('wait');
    expect(adoption('disk', [], last)).toMatchObject({ kind: 'ambiguous', message: expect.stringContaining('70 minutes ago') });
  });

  it('trusts a token for less than an hour', () => {
    expect([tokenIsTrusted(0), tokenIsTrusted(TOKEN_TRUSTED_MS - 1), tokenIsTrusted(TOKEN_TRUSTED_MS)]).toEqual([true, true, false]);
  });

  it('goes by our own tags only', () => {
    expect(identityTags({ 'zonespread.io/migration': 'u', 'zonespread.io/claim': 'data', app: 'web', 'createdby': 'x' })).toEqual({ 'zonespread.io/migration': 'u', 'zonespread.io/claim': 'data' });
  });

  it('compares what was wished for and nothing else', () => {
    expect(differences({ size: 20, level: undefined, zone: 'a' }, { size: 40, level: 'PL1', zone: 'a', more: 1 })).toEqual(['size is 40, not 20']);
  });
});
