import { describe, expect, it } from 'vitest';
import { buildLayout, ordinalIn } from '../../../src/layout/layout.ts';
import { placementProblem, summaryOf, zoneVerdict } from '../../../src/planner/placement/verdict.ts';
import { csiNode, node, strayPod } from '../../builders/kubernetes.ts';
import { spreadSet, type MutableInputs } from '../../builders/spread-set.ts';

const TINY = { cpu: '1', memory: '1Gi', pods: '1' };

/** web-2 in zone c asks about zone a. */
function world(): MutableInputs {
  const inputs = spreadSet({ zones: ['b', 'b', 'c'], podSpec: { containers: [{ name: 'main', resources: { requests: { cpu: '500m' } } }] } });
  inputs.nodes = [node({ name: 'a1', zone: 'a' }), node({ name: 'a2', zone: 'a' }), node({ name: 'a3', zone: 'a' }), node({ zone: 'b' }), node({ zone: 'c' })];
  inputs.csiNodes = inputs.nodes.map(({ metadata }) => csiNode(metadata.name));
  return inputs;
}

function landing(inputs: MutableInputs, zone = 'a') {
  const layout = buildLayout(inputs);
  const ordinal = ordinalIn(layout, 2);
  if (ordinal === undefined) throw new Error('no ordinal 2');
  return { layout, ordinal, zone };
}

describe('the verdict on a zone', () => {
  it('names the nodes that fit, and for the others the reasons', () => {
    const inputs = world();
    inputs.nodes[0]!.spec.unschedulable = true;
    inputs.nodes[1]!.status!.allocatable = { cpu: '100m', pods: '0' };
    const verdict = zoneVerdict(landing(inputs));
    expect(verdict).toEqual({
      zone: 'a',
      nodes: 3,
      fits: ['a3'],
      refusals: [
        { reason: 'node(s) were unschedulable', nodes: ['a1'] },
        { reason: 'Too many pods', nodes: ['a2'] },
        { reason: 'Insufficient cpu', nodes: ['a2'] },
      ],
    });
    expect(summaryOf(verdict)).toBe('1/3 nodes are available: 1 Insufficient cpu (a2), 1 Too many pods (a2), 1 node(s) were unschedulable (a1)');
    expect(placementProblem(landing(inputs))).toBeUndefined();
  });

  it('is about its own nodes only, and says what to do', () => {
    const inputs = world();
    for (const one of inputs.nodes.slice(0, 3)) one.status!.allocatable = { ...TINY, cpu: '100m' };
    expect(placementProblem(landing(inputs))).toBe('zone a has no node for web-2: 0/3 nodes are available: 3 Insufficient cpu (a1, a2, a3); add a node that fits');
  });

  it('gives the first filter the word, as the scheduler does', () => {
    const inputs = world();
    inputs.nodes = [node({ name: 'a1', zone: 'a', ready: false, taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] })];
    expect(zoneVerdict(landing(inputs)).refusals).toEqual([{ reason: 'node(s) had untolerated taint {node.kubernetes.io/not-ready: }', nodes: ['a1'] }]);
  });

  it('does not count the ordinal’s present pod, wherever it runs', () => {
    const inputs = world();
    inputs.nodes = [node({ name: 'a1', zone: 'a' })];
    inputs.nodes[0]!.status!.allocatable = TINY;
    inputs.pods.find(({ metadata }) => metadata.name === 'web-2')!.spec.nodeName = 'a1';
    expect(zoneVerdict(landing(inputs)).fits).toEqual(['a1']);
    inputs.pods.push({ ...strayPod('other', []), spec: { nodeName: 'a1' } });
    expect(zoneVerdict(landing(inputs)).refusals).toEqual([{ reason: 'Too many pods', nodes: ['a1'] }]);
  });

  it('counts pods of other namespaces, where they are known', () => {
    const inputs = world();
    for (const one of inputs.nodes.slice(0, 3)) one.status!.allocatable = TINY;
    const elsewhere = ['a1', 'a2', 'a3'].map((name) => ({ metadata: { name: `p-${name}`, namespace: 'kube-system', uid: name }, spec: { nodeName: name }, status: { phase: 'Running' } }));
    expect(zoneVerdict(landing(inputs)).fits).toEqual(['a1', 'a2', 'a3']);
    const { nodes, csiNodes, pods, claims, volumes, storageClasses } = inputs;
    inputs.surroundings = { nodes, csiNodes, pods: [...pods, ...elsewhere], claims, volumes, storageClasses, namespaces: [], attachments: [] };
    expect(zoneVerdict(landing(inputs)).fits).toEqual([]);
  });

  it('counts the disks that come along against what a node attaches', () => {
    const inputs = world();
    inputs.csiNodes = inputs.nodes.map(({ metadata }) => csiNode(metadata.name));
    for (const one of inputs.csiNodes) one.spec.drivers[0]!.allocatable = { count: 0 };
    expect(zoneVerdict(landing(inputs)).refusals).toEqual([{ reason: 'node(s) exceed max volume count', nodes: ['a1', 'a2', 'a3'] }]);
  });

  it('is made from the template where there is no pod', () => {
    const inputs = world();
    inputs.set.spec.template.spec.nodeSelector = { pool: 'new' };
    expect(zoneVerdict(landing(inputs)).fits).toEqual(['a1', 'a2', 'a3']);
    inputs.pods = inputs.pods.filter(({ metadata }) => metadata.name !== 'web-2');
    expect(zoneVerdict(landing(inputs)).fits).toEqual([]);
  });

  it('is another one where nodes may come: room that is wanting will be made, a taint will not go', () => {
    const full = world();
    for (const one of full.nodes.slice(0, 3)) one.status!.allocatable = { ...TINY, cpu: '100m' };
    full.nodes[1]!.spec.unschedulable = true;
    expect(placementProblem(landing(full), { nodesMayCome: true })).toBeUndefined();
    expect(placementProblem(landing(full), { nodesMayCome: false })).toContain('2 Insufficient cpu');
    expect(placementProblem(landing(world(), 'd'), { nodesMayCome: true })).toBeUndefined();
    const closed = world();
    for (const one of closed.nodes.slice(0, 3)) one.spec.unschedulable = true;
    expect(placementProblem(landing(closed), { nodesMayCome: true })).toContain('3 node(s) were unschedulable');
  });

  it('counts disks as room that no placeholder can ask for', () => {
    const inputs = world();
    inputs.csiNodes = inputs.nodes.map(({ metadata }) => ({ ...csiNode(metadata.name), spec: { drivers: csiNode(metadata.name).spec.drivers.map((driver) => ({ ...driver, allocatable: { count: 0 } })) } }));
    expect(placementProblem(landing(inputs), { nodesMayCome: true })).toContain('3 node(s) exceed max volume count');
  });

  it('tells an unknown zone from a full one', () => {
    expect(placementProblem(landing(world(), 'typo'))).toBe("zone typo has no nodes (zones with nodes: a, b, c); correct the zone's name or add a node there");
  });
});
