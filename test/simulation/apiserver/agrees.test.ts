// The simulated API server answers as a real one did (agreed.json, recorded by agrees.e2e.test.ts).

import { describe, expect, it } from 'vitest';
import { ADMIN } from '../../../src/simulation/apiserver/contract.ts';
import { compared, recorded } from './agreed.ts';
import { asker } from './asker.ts';
import { CASES } from './cases.ts';
import { simulated, withNamespace, withOurKinds } from './simulated.ts';

describe('the simulated API server', () => {
  it.each(CASES.map((one) => [one.it, one] as const))('%s, in the words of the real one', async (_sentence, one) => {
    const { server } = simulated();
    await withOurKinds(server);
    await withNamespace(server, 'shop');
    const answers = await one.run({ ask: asker(server.http(ADMIN), { shop: '<ns>' }), ns: 'shop', own: (name) => `shop-${name}` });
    expect(compared(answers)).toEqual(recorded(one));
  });
});
