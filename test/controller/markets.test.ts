import { describe, expect, it } from 'vitest';
import { createMarkets } from '../../src/controller/markets.ts';
import { buildLayout } from '../../src/layout/layout.ts';
import { DiskError, type Disks } from '../../src/ports/disks.ts';
import { spreadSet } from '../builders/spread-set.ts';
import { FakeClock } from '../fakes/clock.ts';
import { FakeLog } from '../fakes/log.ts';

const layout = buildLayout(spreadSet({ zones: ['a', 'a'] }));

function market(onSale: (zone: string) => { onSale: boolean; message: string }) {
  const clock = new FakeClock();
  const log = new FakeLog();
  const asked: string[] = [];
  const disks = {
    onSale: async (zone: string, { category }: { category: string }) => {
      asked.push(`${zone} ${category}`);
      return onSale(zone);
    },
  } as unknown as Disks;
  return { clock, log, asked, markets: createMarkets({ disks, clock, log }) };
}

const yes = { onSale: true, message: '' };
const no = { onSale: false, message: 'cloud_essd is sold out in zone b' };

describe('what zones sell', () => {
  it("is told with the cloud's reason, once for each kind of disk, not for each disk", async () => {
    const { asked, markets } = market((zone) => (zone === 'b' ? no : yes));
    expect([...(await markets.unusableZones(layout, ['a', 'b']))]).toEqual([['b', 'cloud_essd is sold out in zone b']]);
    expect(asked).toEqual(['a cloud_essd', 'b cloud_essd']);
  });

  it('is told in the same words each time, without the id of the request', async () => {
    const { markets } = market(() => ({ onSale: false, message: 'Zone.NotOnSale: sold out. request id: B4966BB8-CB08-48EF-8AC7-6B68A76695C9' }));
    expect((await markets.unusableZones(layout, ['b'])).get('b')).toBe('Zone.NotOnSale: sold out');
  });

  it('is remembered for five minutes', async () => {
    const { clock, asked, markets } = market(() => yes);
    await markets.unusableZones(layout, ['a']);
    await clock.advance(299_000);
    await markets.unusableZones(layout, ['a']);
    expect(asked).toHaveLength(1);
    await clock.advance(2_000);
    await markets.unusableZones(layout, ['a']);
    expect(asked).toHaveLength(2);
  });

  it('is asked once when many sets ask at the same time', async () => {
    const { asked, markets } = market(() => no);
    const answers = await Promise.all([1, 2, 3].map(() => markets.unusableZones(layout, ['b'])));
    expect(asked).toHaveLength(1);
    expect(answers.map((answer) => answer.get('b'))).toEqual([no.message, no.message, no.message]);
  });

  it('is not "sold out" when the question failed, and the cloud is left in peace for half a minute', async () => {
    let failing = true;
    const { clock, log, asked, markets } = market(() => {
      if (failing) throw new DiskError('throttled', { code: 'Throttling.User', retriable: true });
      return no;
    });
    expect([...(await markets.unusableZones(layout, ['b']))]).toEqual([]);
    expect([...(await markets.unusableZones(layout, ['b']))]).toEqual([]);
    expect(asked).toHaveLength(1);
    expect(log.messages('warn')).toEqual(['the cloud did not say whether zone b sells cloud_essd']);
    failing = false;
    await clock.advance(30_000);
    expect([...(await markets.unusableZones(layout, ['b']))]).toEqual([['b', no.message]]);
  });

  it('stays sold out while the question fails after it was answered', async () => {
    let failing = false;
    const { clock, markets } = market(() => {
      if (failing) throw new DiskError('throttled', { code: 'Throttling.User', retriable: true });
      return no;
    });
    await markets.unusableZones(layout, ['b']);
    failing = true;
    await clock.advance(301_000);
    expect([...(await markets.unusableZones(layout, ['b']))]).toEqual([['b', no.message]]);
  });
});
