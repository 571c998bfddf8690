import { describe, expect, it } from 'vitest';
import { topologySpread } from '../../../src/planner/placement/topology-spread.ts';
import { node } from '../../builders/kubernetes.ts';
import { answers, arriving, fitting, landscape, neighbour, nodesWith, type NeighbourOptions } from './landings.ts';

const UNEVEN = "node(s) didn't match pod topology spread constraints";
const nodes = nodesWith({ rack: 'r1' }, { rack: 'r2' }, { rack: 'r3' });
const db = { app: 'db' };

function spread(...constraints: object[]) {
  return { topologySpreadConstraints: constraints.map((one) => ({ maxSkew: 1, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: db }, ...one })) };
}

function there(...pods: (string | NeighbourOptions)[]) {
  return landscape({ nodes, pods: pods.map((one) => neighbour(typeof one === 'string' ? { on: one, labels: db } : { labels: db, ...one })) });
}

describe('a spread constraint', () => {
  const pod = (constraint: object = {}) => arriving(spread(constraint), { labels: db });

  it('leaves the domains that are not too full beside the emptiest', () => {
    expect(answers(topologySpread, pod(), there('n1', 'n2'))).toEqual({ n1: [UNEVEN], n2: [UNEVEN], n3: [] });
    expect(fitting(topologySpread, pod({ maxSkew: 2 }), there('n1', 'n1', 'n2'))).toEqual(['n2', 'n3']);
  });

  it('counts the pod itself only if it is one of them', () => {
    expect(fitting(topologySpread, arriving(spread({}), { labels: { app: 'web' } }), there('n1', 'n1', 'n2'))).toEqual(['n2', 'n3']);
  });

  it('says so where a node is in no domain', () => {
    const land = landscape({ nodes: [...nodes, node({ name: 'n4' })] });
    expect(answers(topologySpread, pod(), land)).toMatchObject({ n4: [`${UNEVEN} (missing required label)`] });
  });

  it('takes the least as none when there are fewer domains than minDomains', () => {
    expect(fitting(topologySpread, pod({ minDomains: 3 }), there('n1', 'n2', 'n3'))).toEqual(['n1', 'n2', 'n3']);
    expect(fitting(topologySpread, pod({ minDomains: 4 }), there('n1', 'n2', 'n3'))).toEqual([]);
  });

  it('that only prefers is none', () => {
    expect(fitting(topologySpread, pod({ whenUnsatisfiable: 'ScheduleAnyway' }), there('n1', 'n1'))).toEqual(['n1', 'n2', 'n3']);
  });

  it('counts pods of its own namespace that are neither ended nor on their way out', () => {
    expect(fitting(topologySpread, pod(), there({ on: 'n1', namespace: 'web' }, { on: 'n1', terminating: true }, { on: 'n1', status: { phase: 'Succeeded' } }))).toContain('n1');
    expect(fitting(topologySpread, pod(), there({ on: 'n1' }))).not.toContain('n1');
  });

  it('counts those of the same matchLabelKeys', () => {
    const land = there({ on: 'n1', labels: { ...db, track: 'old' } });
    const arrival = (track: string) => arriving(spread({ matchLabelKeys: ['track'] }), { labels: { ...db, track } });
    expect(fitting(topologySpread, arrival('new'), land)).toContain('n1');
    expect(fitting(topologySpread, arrival('old'), land)).not.toContain('n1');
  });

  it('counts nobody but the pod itself with an empty selector, and nobody at all without one', () => {
    expect(fitting(topologySpread, arriving(spread({ labelSelector: {} })), there('n1', 'n1', 'n1'))).toEqual(['n1', 'n2', 'n3']);
    expect(fitting(topologySpread, arriving(spread({ labelSelector: undefined })), there('n1', 'n1'))).toEqual(['n1', 'n2', 'n3']);
  });

  it('does not count the pod that goes away', () => {
    const present = neighbour({ on: 'n1', labels: db });
    expect(fitting(topologySpread, arriving(spread({}), { labels: db, leaving: present }), landscape({ nodes, pods: [present] }))).toEqual(['n1', 'n2', 'n3']);
  });

  it('is about every one of several', () => {
    const land = landscape({ nodes: nodesWith({ rack: 'r1', room: 'a' }, { rack: 'r2', room: 'a' }, { rack: 'r3', room: 'b' }), pods: [neighbour({ on: 'n1', labels: db })] });
    expect(fitting(topologySpread, arriving(spread({}, { topologyKey: 'room' }), { labels: db }), land)).toEqual(['n3']);
  });
});

describe('a domain is one for the constraint', () => {
  const selective = (constraint: object) => arriving({ ...spread(constraint), nodeSelector: { pool: 'db' } }, { labels: db });
  const land = landscape({ nodes: nodesWith({ rack: 'r1', pool: 'db' }, { rack: 'r2' }), pods: [neighbour({ on: 'n1', labels: db })] });

  it('only if the pod’s own node selector and affinity let it in, unless that is ignored', () => {
    expect(fitting(topologySpread, selective({}), land)).toContain('n1');
    expect(fitting(topologySpread, selective({ nodeAffinityPolicy: 'Honor' }), land)).toContain('n1');
    expect(fitting(topologySpread, selective({ nodeAffinityPolicy: 'Ignore' }), land)).not.toContain('n1');
  });

  it('even if its taints keep the pod out, unless that is honoured', () => {
    const tainted = landscape({ nodes: [...nodesWith({ rack: 'r1' }), node({ name: 'n2', labels: { rack: 'r2' }, taints: [{ key: 'x', effect: 'NoSchedule' }] })], pods: [neighbour({ on: 'n1', labels: db })] });
    expect(fitting(topologySpread, arriving(spread({}), { labels: db }), tainted)).not.toContain('n1');
    expect(fitting(topologySpread, arriving(spread({ nodeTaintsPolicy: 'Honor' }), { labels: db }), tainted)).toContain('n1');
  });

  it('only if its nodes are in domains of all the others, too', () => {
    const half = landscape({ nodes: nodesWith({ rack: 'r1', room: 'a' }, { rack: 'r2' }), pods: [neighbour({ on: 'n1', labels: db })] });
    expect(fitting(topologySpread, arriving(spread({}, { topologyKey: 'room', maxSkew: 5 }), { labels: db }), half)).toEqual(['n1']);
  });
});

it('in a plan, which moves the others too, a pod is not held by how they are spread now', () => {
  const land = landscape({ nodes: [...nodes, node({ name: 'n4' })], pods: [neighbour({ on: 'n1', labels: db })] });
  expect(fitting(topologySpread, arriving(spread({}), { labels: db, siblingsMayMove: true }), land)).toEqual(['n1', 'n2', 'n3']);
  expect(fitting(topologySpread, arriving(spread({}), { labels: { app: 'web' }, siblingsMayMove: true }), landscape({ nodes, pods: [neighbour({ on: 'n1', labels: db }), neighbour({ on: 'n1', labels: db })] }))).toEqual(['n2', 'n3']);
});
