// `zonespread retained`: which disks are kept, and for how long.

import { describe, expect, it } from 'vitest';
import { Desk, moving, screenful } from '../command-line-of.ts';

const ENDED = moving({ phase: 'Succeeded', finishedAt: '2026-11-20T09:00:00.000Z' });

function desk(): Desk {
  const one = new Desk();
  one.record('web-2-bcdfg', { status: ENDED });
  one.record('db-0-xxxxx', { namespace: 'shop', spec: { statefulSetRef: { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db' }, ordinal: 0 }, status: { ...ENDED, terms: { ...ENDED.terms!, sourceRetentionMs: 'forever' } } });
  one.record('web-1-yyyyy', { status: moving() });
  return one;
}

describe('retained', () => {
  it('is a table of old disks, with who goes next first and what they come to', async () => {
    expect((await desk().type('retained -A')).out).toBe(screenful`
      NAMESPACE   POD     DISK    ZONE           GiB   GOES IN   VOLUME   MOVE
      db          web-2   d-old   cn-beijing-h    20      23 h   pv-old   web-2-bcdfg
      shop        db-0    d-old   cn-beijing-h    20     never   pv-old   db-0-xxxxx

      two disks, 40 GiB.
      To let go of one, so that nobody deletes it: kubectl delete ordinalmigration <MOVE>.
    `);
  });

  it('is of the namespace alone without -A, and a document for a program', async () => {
    expect((await desk().type('retained')).out).toMatch(/^POD +DISK[\s\S]*\none disk, 20 GiB\.\n/);
    expect(JSON.parse((await desk().type('retained -A -o json')).out)).toMatchObject({ disks: [{ namespace: 'db', pod: 'web-2', diskId: 'd-old', sizeGiB: 20, until: '2026-11-21T09:00:00.000Z' }, { until: 'forever' }], totalGiB: 40 });
  });

  it('says so when there is none', async () => {
    expect((await new Desk().type('retained')).out).toBe('No old disk is kept in namespace db (-A: in all).\n');
  });
});
