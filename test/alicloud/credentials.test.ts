// A chain of credentials that failed once is built anew.

import { describe, expect, it } from 'vitest';
import { renewedCredential } from '../../src/alicloud/credentials.ts';
import { understood } from '../../src/alicloud/errors.ts';

type Chain = Parameters<typeof renewedCredential>[0] extends () => infer C ? C : never;

/** Chains that fail or give a key, in this order; as the real one, each does for ever what it did first. */
function chains(...works: boolean[]) {
  let built = 0;
  const create = (): Chain => {
    const works1 = works[built] === true;
    built += 1;
    const number = built;
    return { getCredential: async () => (works1 ? { accessKeyId: `key-${number}` } : Promise.reject(new Error('no provider'))) } as unknown as Chain;
  };
  return { credential: renewedCredential(create), built: () => built };
}

describe('credentials', () => {
  it('come from one chain for as long as it works', async () => {
    const { credential, built } = chains(true);
    await credential.getCredential();
    await credential.getCredential();
    expect(built()).toBe(1);
  });

  it('come from a new chain after a failure, which says what to do and that nothing was sent', async () => {
    const { credential, built } = chains(false, true);
    const error = await credential.getCredential().catch((thrown: unknown) => thrown);
    expect(understood(error)).toMatchObject({ meaning: 'retry', code: 'CredentialsUnavailable', message: expect.stringContaining('ALIBABA_CLOUD_ACCESS_KEY_ID') });
    expect(await credential.getCredential()).toMatchObject({ accessKeyId: 'key-2' });
    expect(built()).toBe(2);
  });
});
