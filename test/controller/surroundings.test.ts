// What of the rest of the cluster a decision knows: the same from the watch caches as live, as far as the daemon may see.

import { describe, expect, it } from 'vitest';
import { trimPod } from '../../src/controller/watches.ts';
import { namespaces, nodes, pods, volumeAttachments, type Pod } from '../../src/kubernetes/objects.ts';
import { requestsOf } from '../../src/planner/placement/resources.ts';
import { Scene } from './scene.ts';

const REQUESTS = { requests: { cpu: '5' } };

/** Three ordinals in zone a; on node-b somebody else's pod holds most of the CPUs. */
function scene(options: ConstructorParameters<typeof Scene>[0] = {}): Scene {
  const made = new Scene(options);
  made.addSet({ zones: ['a', 'a', 'a'], podSpec: { containers: [{ name: 'main', resources: REQUESTS }] } });
  made.api.put(namespaces, { metadata: { name: 'elsewhere' } });
  made.api.put(pods, { metadata: { namespace: 'elsewhere', name: 'hog' }, spec: { nodeName: 'node-b', containers: [{ name: 'main', resources: REQUESTS }] }, status: { phase: 'Running' } });
  return made;
}

const targets = (made: Scene): string[] => made.records().map(({ spec }) => spec.targetZone);

describe('pods of other namespaces', () => {
  it('fill their nodes: nothing is moved there', async () => {
    const made = scene();
    await made.work();
    expect(targets(made)).toEqual(['c']);
  });

  it('hold a move by hand, with the reason', async () => {
    const made = scene();
    made.addRecord('web-2-byhand', { spec: { ordinal: 2, targetZone: 'b' }, metadata: { creationTimestamp: '2026-11-20T00:00:00Z' } });
    await made.look('web-2-byhand');
    expect(made.record('web-2-byhand').status).toMatchObject({ reason: 'ZoneUnavailable', message: expect.stringContaining('0/1 nodes are available: 1 Insufficient cpu (node-b)') });
    made.api.change(pods, { namespace: 'elsewhere', name: 'hog' }, (pod) => {
      pod.status = { phase: 'Succeeded' };
    });
    await made.look('web-2-byhand');
    expect(made.record('web-2-byhand').status?.phase).toBe('Running');
  });

  it('are not looked at, live either, where the daemon is to stay with its namespaces', async () => {
    const { deciding } = scene({ namespaces: ['db'] });
    const seen = await deciding.live.cluster.everywhere();
    expect(seen.pods.map(({ metadata }) => metadata.name)).toEqual(['web-0', 'web-1', 'web-2']);
    expect(new Set(seen.claims.map(({ metadata }) => metadata.namespace))).toEqual(new Set(['db']));
  });

  it('are the same from the caches and live, with namespaces and attachments', async () => {
    const made = scene();
    made.api.put(volumeAttachments, { metadata: { name: 'left' }, spec: { attacher: 'x', nodeName: 'node-a', source: { persistentVolumeName: 'y' } } });
    expect(made.api.readAll(nodes)).toHaveLength(3);
    const [cached, live] = await Promise.all([made.watched.cluster.everywhere(), made.deciding.live.cluster.everywhere()]);
    const names = (seen: typeof live) => Object.entries(seen).map(([kind, objects]) => [kind, objects.map(({ metadata }) => metadata.name).toSorted()]);
    expect(names(cached)).toEqual(names(live));
    expect(live.attachments).toHaveLength(1);
    expect(live.namespaces.map(({ metadata }) => metadata.name).toSorted()).toEqual(['db', 'elsewhere']);
  });
});

it('a cached pod still says what it asks of a node, and nothing of what it runs', () => {
  const pod: Pod = {
    metadata: { namespace: 'db', name: 'web-0', managedFields: [] },
    spec: {
      overhead: { cpu: '100m' },
      containers: [{ name: 'main', image: 'db:1', command: ['run'], resources: REQUESTS, ports: [{ hostPort: 80 }] }],
      initContainers: [
        { name: 'setup', image: 'setup:1', resources: { requests: { cpu: '9' } } },
        { name: 'proxy', image: 'proxy:1', restartPolicy: 'Always', resources: REQUESTS, ports: [{ hostPort: 81 }] },
      ],
    },
  };
  const trimmed = trimPod(pod);
  expect(requestsOf(trimmed)).toEqual(requestsOf(pod));
  expect(trimmed.spec.containers).toEqual([{ name: 'main', resources: REQUESTS, ports: [{ hostPort: 80 }] }]);
  expect(trimmed.spec['initContainers']).toMatchObject([{ name: 'setup' }, { name: 'proxy', restartPolicy: 'Always', ports: [{ hostPort: 81 }] }]);
  expect(JSON.stringify(trimmed)).not.toMatch(/image|command|managedFields/);
});
