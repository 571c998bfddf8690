// `zonespread plan`: of the cluster as the controller reports it, and of files, by the planner itself.

import { describe, expect, it } from 'vitest';
import { dumpYaml } from '@kubernetes/client-node';
import { statefulSets } from '../../../src/kubernetes/objects.ts';
import { csiNode, disruptionBudget, node, statefulSet, storageClass } from '../../builders/kubernetes.ts';
import { spreadSet } from '../../builders/spread-set.ts';
import { Desk, EVEN, screenful, seen, UNEVEN } from '../command-line-of.ts';

describe('of a cluster', () => {
  it('is every move with its reason and cost, what waits, and the digest', async () => {
    const desk = new Desk();
    desk.report('web', UNEVEN);
    expect(await desk.type('plan web')).toEqual({
      code: 0,
      error: '',
      out: screenful`
        db/web   one move, 20 GiB, about 3 min (up to 5 min)

          MOVE    FROM           TO             GiB   TAKES   DOWN   WHY
          web-5   cn-beijing-h   cn-beijing-j    20   3 min   90 s   web-5 goes to zone cn-beijing-j, which has 1 of the set's ordinals while zone cn-beijing-h has 4; zonespread.io/max-skew is 1.
          Times rest on four moves of such disks that ended here.

          WAITS
          TooManyUnavailable   web-5
            web-2 is not Ready, and zonespread.io/max-unavailable is 1; the next ordinal waits

          digest 3f2a9c81aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      `,
    });
  });

  it('has the sentences below the moves where the terminal is narrow', async () => {
    const desk = new Desk();
    desk.report('web', UNEVEN);
    expect(seen((await desk.type('plan web', { columns: 80 })).out)).toContain(screenful`
          MOVE    FROM           TO             GiB   TAKES   DOWN
          web-5   cn-beijing-h   cn-beijing-j    20   3 min   90 s
            web-5 goes to zone cn-beijing-j, which has 1 of the set's ordinals while
            zone cn-beijing-h has 4; zonespread.io/max-skew is 1.
    `.replaceAll(/^/gm, '  ').trimEnd());
  });

  it('says so when nothing is to move, and why when nothing can', async () => {
    const desk = new Desk();
    desk.report('web', EVEN);
    expect((await desk.type('plan')).out).toBe('db/web   nothing to move\n');
    desk.report('web', { ...EVEN, satisfied: false, conditions: [{ type: 'Satisfied', status: 'False', reason: 'ZoneUnavailable', message: 'zone b sells none; the layout is as near as it can be' }] });
    expect((await desk.type('plan')).out).toBe('db/web   nothing to move\n\n  zone b sells none; the layout is as near as it can be\n');
  });

  it('is a document for a program', async () => {
    const desk = new Desk();
    desk.report('web', UNEVEN);
    expect(JSON.parse((await desk.type('plan -A -o json')).out)).toMatchObject({ plans: [{ namespace: 'db', name: 'web', plan: { total: 1 }, blocked: [{ reason: 'TooManyUnavailable' }] }] });
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['declares no zones', {}, /there is no report of StatefulSet db\/web yet: it declares no zones: kubectl annotate statefulset web -n db zonespread\.io\/zones=/],
    ['has not been looked at', { 'zonespread.io/zones': 'a,b' }, /the controller writes it when it has looked at the set; if it does not come, zonespread doctor tells why/],
  ])('of a set that %s does not exist, and it says why', async (_what, annotations, words) => {
    const desk = new Desk();
    desk.api.put(statefulSets, statefulSet({ annotations }));
    expect(await desk.type('plan web')).toMatchObject({ code: 1, error: expect.stringMatching(words) as string });
    expect(await desk.type('plan nope')).toMatchObject({ code: 1, error: 'zonespread: there is no StatefulSet nope in namespace db; there are web\n' });
  });
});

/** A manifest as people write it. */
const MANIFEST = dumpYaml({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web', annotations: { 'zonespread.io/zones': 'a,b' } },
  spec: { ...statefulSet({ replicas: 4 }).spec },
});

/** Without a status: as people write those, too. */
const NODES = ['a', 'b'].map((zone) => dumpYaml({ ...node({ zone }), status: undefined }, { skipInvalid: true })).join('---\n');

describe('of files', () => {
  it('is what the controller would plan, with all that had to be assumed', async () => {
    const said = await new Desk().type('plan -f set.yaml --nodes nodes.yaml --disks a', { files: { 'set.yaml': MANIFEST, 'nodes.yaml': NODES } });
    expect({ ...said, out: said.out.replace(/digest [0-9a-f]{64}$/m, 'digest …') }).toEqual({
      code: 0,
      error: '',
      out: screenful`
        default/web   two moves, 40 GiB, about 5 min

          ZONE   NOW   WANTED   ORDINALS
          a        4        2   ● 0  ● 1  ○ 2  ○ 3
          b        0        2   → 2  → 3

          MOVE    FROM   TO   GiB   TAKES   DOWN   WHY
          web-3   a      b     20   3 min   90 s   web-3 goes to zone b, which has 0 of the set's ordinals while zone a has 4; zonespread.io/max-skew is 1.
          web-2   a      b     20   3 min   90 s   web-2 goes to zone b, which has 0 of the set's ordinals while zone a has 4; zonespread.io/max-skew is 1.
          Times are a guess: no move of such disks has ended here yet.

          ASSUMED, for no file says it
          - 2 nodes are Ready and have room
          - the set is at rest: no rollout and no scaling is under way
          - 4 disks are where --disks says, cloud_essd, each as large as its claim template
          - its 4 pods run and are Ready, each on a node in the zone of its disks
          - every node has the disk driver, and room for one more disk (no CSINode)
          - the cloud was not asked: every disk is pay-as-you-go, not locked, and on sale in every zone that has nodes

          digest …
      `,
    });
  });

  it('takes a dump of the cluster as it is, guards included', async () => {
    const inputs = spreadSet({ zones: ['a', 'a', 'a'], annotations: { 'zonespread.io/zones': '*' } });
    const objects = [inputs.set, ...inputs.pods, ...inputs.claims, ...inputs.volumes, ...inputs.nodes, ...inputs.csiNodes, ...inputs.storageClasses, disruptionBudget({ disruptionsAllowed: 0 })];
    const said = await new Desk().type('plan -f -', { files: { '-': dumpYaml({ apiVersion: 'v1', kind: 'List', items: objects }) } });
    expect(said).toMatchObject({ code: 0, error: '' });
    expect(said.out).toContain('db/web   two moves, 40 GiB');
    expect(said.out).toMatch(/WAITS\n {2}DisruptionBudgetExhausted {3}web-2\n {4}PodDisruptionBudget web allows no disruption of web-2 now/);
    expect(said.out).toContain('ASSUMED, for no file says it\n  - the cloud was not asked');
  });

  it('of disks in several zones goes by ordinals', async () => {
    const files = { 'set.yaml': MANIFEST, 'nodes.yaml': NODES };
    expect((await new Desk().type('plan -f set.yaml --nodes nodes.yaml --disks 0,2=a,1,3=b', { files })).out).toContain('default/web   nothing to move');
    expect(await new Desk().type('plan -f set.yaml --nodes nodes.yaml --disks 0=a,nonsense', { files })).toMatchObject({ code: 2, error: expect.stringContaining('--disks "0=a,nonsense" is not allowed: one zone for all ordinals, or ordinals=zone') as string });
  });

  it.each<[string, string, Record<string, string>, [number, string]]>([
    ['no set', '-f a', { a: NODES }, [2, 'there is no StatefulSet in a']],
    ['no nodes', '-f a', { a: MANIFEST }, [2, 'there is no Node in the files']],
    ['no disks', '-f a --nodes b', { a: MANIFEST, b: NODES }, [2, 'nobody knows where the disks of default/web are']],
    ['no YAML', '-f a', { a: 'a: [' }, [1, 'a is no YAML: ']],
    ['no objects', '-f a', { a: 'just text' }, [1, 'a, document 1 is no Kubernetes object: it has no apiVersion and kind']],
    ['no file', '-f a', {}, [1, 'a cannot be read: no such file']],
    ['no zones', '-f a --nodes b --disks a', { a: MANIFEST.replace('zonespread.io/zones', 'other'), b: NODES }, [1, 'StatefulSet default/web declares no zones']],
    ['a wrong policy', '-f a --nodes b --disks a', { a: MANIFEST.replace('zonespread.io/zones: a,b', 'zonespread.io/zones: a,b\n    zonespread.io/max-skew: "0"'), b: NODES }, [1, 'the policy of StatefulSet default/web is wrong: StatefulSet annotation zonespread.io/max-skew: "0" is refused']],
    ['a cluster meant', 'web --nodes b', {}, [2, '--nodes and --disks go with -f']],
  ])('with %s says what is missing', async (_what, flags, files, [code, words]) => {
    const said = await new Desk().type(`plan ${flags}`, { files });
    expect(said).toMatchObject({ code, out: '', error: expect.stringContaining(words) as string });
  });

  it('has nodes that cannot take the disks as the reason why nothing moves', async () => {
    const nodes = [node({ zone: 'a' }), node({ zone: 'b', taints: [{ key: 'gpu', effect: 'NoSchedule' }] })].map((one) => dumpYaml(one)).join('---\n');
    const said = await new Desk().type('plan -f set.yaml --nodes nodes.yaml --disks a', { files: { 'set.yaml': MANIFEST, 'nodes.yaml': nodes + dumpYaml(csiNode('node-a')).replace(/^/, '---\n') + dumpYaml(storageClass()).replace(/^/, '---\n') } });
    expect(said.code).toBe(0);
    expect(said.out).toContain('nothing to move');
    expect(said.out).toContain('taint');
  });
});
