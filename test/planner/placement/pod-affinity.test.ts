import { describe, expect, it } from 'vitest';
import { podAffinity } from '../../../src/planner/placement/pod-affinity.ts';
import { answers, arriving, fitting, landscape, neighbour, nodesWith, type NeighbourOptions } from './landings.ts';

const nodes = nodesWith({ rack: 'r1' }, { rack: 'r1' }, { rack: 'r2' }, {});
const db = { matchLabels: { app: 'db' } };
const near = (...terms: object[]) => ({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } } });
const apart = (...terms: object[]) => ({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } } });
const byRack = (more: object = {}) => ({ topologyKey: 'rack', labelSelector: db, ...more });
const there = (...pods: NeighbourOptions[]) => landscape({ nodes, pods: pods.map((options) => neighbour(options)), namespaces: [{ metadata: { name: 'web', labels: { team: 'red' } } }, { metadata: { name: 'db', labels: { team: 'blue' } } }] });
const onN1 = (more: object = {}): NeighbourOptions => ({ on: 'n1', labels: { app: 'db' }, ...more });

describe('affinity', () => {
  it('leads to the domain of the pods that it names', () => {
    expect(answers(podAffinity, arriving(near(byRack())), there(onN1()))).toEqual({ n1: [], n2: [], n3: ["node(s) didn't match pod affinity rules"], n4: ["node(s) didn't match pod affinity rules"] });
  });

  it('holds only where one pod is what all of its terms ask for', () => {
    const terms = near(byRack(), { topologyKey: 'rack', labelSelector: { matchLabels: { tier: '1' } } });
    expect(fitting(podAffinity, arriving(terms), there(onN1(), { on: 'n1', labels: { tier: '1' } }))).toEqual([]);
    expect(fitting(podAffinity, arriving(terms), there(onN1({ labels: { app: 'db', tier: '1' } })))).toEqual(['n1', 'n2']);
  });

  it('lets the first of a group go wherever there is a domain at all', () => {
    expect(fitting(podAffinity, arriving(near(byRack()), { labels: { app: 'db' } }), there())).toEqual(['n1', 'n2', 'n3']);
    expect(fitting(podAffinity, arriving(near(byRack()), { labels: { app: 'web' } }), there())).toEqual([]);
  });

  it('does not lean on the pod that goes away', () => {
    const present = neighbour(onN1());
    const land = landscape({ nodes, pods: [present] });
    expect(fitting(podAffinity, arriving(near(byRack()), { labels: { app: 'db' }, leaving: present }), land)).toEqual(['n1', 'n2', 'n3']);
  });
});

describe('anti-affinity', () => {
  it('keeps out of the domain of the pods that it names', () => {
    expect(answers(podAffinity, arriving(apart(byRack())), there(onN1()))).toEqual({ n1: ["node(s) didn't match pod anti-affinity rules"], n2: ["node(s) didn't match pod anti-affinity rules"], n3: [], n4: [] });
  });

  it('is about one of its terms at a time', () => {
    const terms = apart(byRack(), { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'web' } } });
    expect(fitting(podAffinity, arriving(terms), there(onN1(), { on: 'n3', labels: { app: 'web' } }))).toEqual(['n4']);
  });

  it('works for those that are there already', () => {
    const land = there({ on: 'n1', spec: apart(byRack()) });
    expect(answers(podAffinity, arriving({}, { labels: { app: 'db' } }), land)).toEqual({
      n1: ["node(s) didn't satisfy existing pods anti-affinity rules"],
      n2: ["node(s) didn't satisfy existing pods anti-affinity rules"],
      n3: [],
      n4: [],
    });
    expect(fitting(podAffinity, arriving({}, { labels: { app: 'web' } }), land)).toEqual(['n1', 'n2', 'n3', 'n4']);
  });

  it('of the pod that goes away ends with it, and not that of another with the same rule', () => {
    const present = neighbour({ on: 'n1', spec: apart(byRack()) });
    const pods = [present, neighbour({ on: 'n3', spec: apart(byRack()) })];
    const arrival = arriving(apart(byRack()), { labels: { app: 'db' }, leaving: present });
    expect(fitting(podAffinity, arrival, landscape({ nodes, pods }))).toEqual(['n1', 'n2', 'n4']);
  });

  it('counts terminating pods, and no ended ones', () => {
    expect(fitting(podAffinity, arriving(apart(byRack())), there(onN1({ terminating: true })))).toEqual(['n3', 'n4']);
    expect(fitting(podAffinity, arriving(apart(byRack())), there(onN1({ status: { phase: 'Failed' } })))).toEqual(['n1', 'n2', 'n3', 'n4']);
  });
});

describe('a term looks', () => {
  const kept = (more: object, pod: NeighbourOptions): boolean => !fitting(podAffinity, arriving(apart(byRack(more)), { labels: { track: 'new' } }), there(pod)).includes('n1');

  it('into its own namespace unless told otherwise', () => {
    expect(kept({}, onN1())).toBe(true);
    expect(kept({}, onN1({ namespace: 'web' }))).toBe(false);
  });

  it('into those that it names, and then not into its own', () => {
    expect(kept({ namespaces: ['web'] }, onN1({ namespace: 'web' }))).toBe(true);
    expect(kept({ namespaces: ['web'] }, onN1())).toBe(false);
  });

  it('into those whose labels it names, an empty selector into all', () => {
    expect(kept({ namespaceSelector: { matchLabels: { team: 'red' } } }, onN1({ namespace: 'web' }))).toBe(true);
    expect(kept({ namespaceSelector: { matchLabels: { team: 'red' } } }, onN1())).toBe(false);
    expect(kept({ namespaceSelector: {} }, onN1({ namespace: 'unheard-of' }))).toBe(true);
  });

  it('by a selector that only excludes, into all the others, and for safety into those that the scheduler of 1.36 takes it for: all', () => {
    const notRed = { namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['red'] }] } };
    expect(kept(notRed, onN1())).toBe(true);
    expect(kept(notRed, onN1({ namespace: 'web' }))).toBe(true);
    const wanted = (pod: NeighbourOptions) => fitting(podAffinity, arriving(near(byRack(notRed)), { labels: { app: 'db' } }), there(pod));
    expect(wanted(onN1())).toEqual(['n1', 'n2']);
    expect(wanted(onN1({ namespace: 'web' }))).toEqual(['n1', 'n2']);
    expect(fitting(podAffinity, arriving(near(byRack(notRed)), { labels: { app: 'web' } }), there(onN1({ namespace: 'web' })))).toEqual([]);
  });

  it('at pods that are like it in the labels of matchLabelKeys, or unlike it in those of mismatchLabelKeys', () => {
    const like = onN1({ labels: { app: 'db', track: 'new' } });
    const unlike = onN1({ labels: { app: 'db', track: 'old' } });
    expect([kept({ matchLabelKeys: ['track'] }, like), kept({ matchLabelKeys: ['track'] }, unlike)]).toEqual([true, false]);
    expect([kept({ mismatchLabelKeys: ['track'] }, like), kept({ mismatchLabelKeys: ['track'] }, unlike)]).toEqual([false, true]);
    expect(kept({ matchLabelKeys: ['absent'] }, unlike)).toBe(true);
  });

  it('at nobody without a selector', () => {
    expect(kept({ labelSelector: undefined }, onN1())).toBe(false);
  });
});
