import { describe, expect, it } from 'vitest';
import type { Pod, PodSpec } from '../../../src/kubernetes/objects.ts';
import { requestsOf, resources } from '../../../src/planner/placement/resources.ts';
import { node } from '../../builders/kubernetes.ts';
import { answers, arriving, landscape, neighbour } from './landings.ts';

const asks = (requests: Record<string, string>, more: object = {}) => ({ name: 'main', resources: { requests }, ...more });

function small(allocatable: Record<string, string>) {
  const made = node({ name: 'n1' });
  made.status = { ...made.status, allocatable };
  return made;
}

function requested(spec: PodSpec, status?: Pod['status']): Record<string, bigint> {
  return Object.fromEntries(requestsOf({ spec, ...(status === undefined ? {} : { status }) }));
}

describe('what a pod requests', () => {
  it('is the sum of its containers, exactly, in thousandths of a CPU and whole bytes, rounded up once', () => {
    expect(requested({ containers: [asks({ cpu: '0.1005', memory: '1Ki' }), asks({ cpu: '100.5m', memory: '1k' })] })).toEqual({ cpu: 201n, memory: 2024n });
  });

  it('is at least what an init container needs', () => {
    expect(requested({ containers: [asks({ cpu: '1' })], initContainers: [asks({ cpu: '300m' }), asks({ cpu: '3' })] })).toEqual({ cpu: 3000n });
  });

  it('has sidecars run with the containers, and with the init containers after them', () => {
    const sidecar = asks({ cpu: '1' }, { restartPolicy: 'Always' });
    expect(requested({ containers: [asks({ cpu: '1' })], initContainers: [sidecar, asks({ cpu: '500m' })] })).toEqual({ cpu: 2000n });
    expect(requested({ containers: [asks({ cpu: '1' })], initContainers: [sidecar, asks({ cpu: '2' })] })).toEqual({ cpu: 3000n });
    expect(requested({ containers: [asks({ cpu: '1' })], initContainers: [asks({ cpu: '2500m' }), sidecar] })).toEqual({ cpu: 2500n });
  });

  it('has the overhead of its runtime on top', () => {
    expect(requested({ containers: [asks({ cpu: '1' })], overhead: { cpu: '250m', memory: '1Mi' } })).toEqual({ cpu: 1250n, memory: 1_048_576n });
  });

  it('is what the pod as a whole asks for, where it does', () => {
    const resourcesOfPod = { requests: { cpu: '2', 'example.com/gpu': '4' } };
    expect(requested({ containers: [asks({ cpu: '500m', memory: '1Mi', 'example.com/gpu': '1' })], resources: resourcesOfPod })).toEqual({ cpu: 2000n, memory: 1_048_576n, 'example.com/gpu': 1n });
    expect(requested({ containers: [asks({ cpu: '500m' })], resources: { limits: { cpu: '2', memory: '4Mi' } } })).toEqual({ cpu: 500n, memory: 4_194_304n });
  });

  it('is the limit where a template names nothing else', () => {
    expect(requested({ containers: [{ name: 'main', resources: { limits: { cpu: '1', memory: '1Mi' }, requests: { cpu: '200m' } } }] })).toEqual({ cpu: 200n, memory: 1_048_576n });
  });

  it('counts extended resources and huge pages, and no native one that the scheduler does not know', () => {
    expect(requested({ containers: [asks({ 'example.com/gpu': '2', 'hugepages-2Mi': '4Mi', storage: '1Gi' })] })).toEqual({ 'example.com/gpu': 2n, 'hugepages-2Mi': 4_194_304n });
  });

  describe('that was resized in place', () => {
    const spec = { containers: [asks({ cpu: '300m' })] };
    const status = (more: object = {}) => ({ containerStatuses: [{ name: 'main', resources: { requests: { cpu: '200m' } }, allocatedResources: { cpu: '400m' } }], ...more });

    it('is the most of what is asked for, in force and set aside', () => {
      expect(requested(spec, status())).toEqual({ cpu: 400n });
      expect(requested({ containers: [asks({ cpu: '1' })] }, status())).toEqual({ cpu: 1000n });
    });

    it('does not count what can never be', () => {
      expect(requested({ containers: [asks({ cpu: '9' })] }, status({ conditions: [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }] }))).toEqual({ cpu: 400n });
    });
  });
});

describe('a node', () => {
  const wants = (cpu: string) => arriving({ containers: [asks({ cpu })] });

  it('takes a pod up to the last thousandth', () => {
    const land = landscape({ nodes: [small({ cpu: '1', pods: '9' })], pods: [neighbour({ on: 'n1', spec: { containers: [asks({ cpu: '400m' })] } })] });
    expect(answers(resources, wants('600m'), land)).toEqual({ n1: [] });
    expect(answers(resources, wants('601m'), land)).toEqual({ n1: ['Insufficient cpu'] });
  });

  it('names everything that it lacks', () => {
    const land = landscape({ nodes: [small({ cpu: '100m', memory: '1Gi', pods: '0' })] });
    const pod = arriving({ containers: [asks({ cpu: '200m', memory: '2Gi', 'example.com/gpu': '1' })] });
    expect(answers(resources, pod, land)).toEqual({ n1: ['Too many pods', 'Insufficient cpu', 'Insufficient memory', 'Insufficient example.com/gpu'] });
  });

  it('has room for a number of pods, whatever they ask for; ended ones need none, terminating ones do', () => {
    const land = (more: object) => landscape({ nodes: [small({ pods: '1' })], pods: [neighbour({ on: 'n1', ...more })] });
    expect(answers(resources, arriving(), land({}))).toEqual({ n1: ['Too many pods'] });
    expect(answers(resources, arriving(), land({ terminating: true }))).toEqual({ n1: ['Too many pods'] });
    expect(answers(resources, arriving(), land({ status: { phase: 'Succeeded' } }))).toEqual({ n1: [] });
  });

  it('gets back what the pod holds that goes away', () => {
    const present = neighbour({ on: 'n1', spec: { containers: [asks({ cpu: '1' })] } });
    const land = landscape({ nodes: [small({ cpu: '1', pods: '1' })], pods: [present] });
    expect(answers(resources, wants('1'), land)).toEqual({ n1: ['Too many pods', 'Insufficient cpu'] });
    expect(answers(resources, arriving({ containers: [asks({ cpu: '1' })] }, { leaving: present }), land)).toEqual({ n1: [] });
  });

  it('that has too much on it already still takes who asks for nothing', () => {
    const land = landscape({ nodes: [small({ cpu: '1', pods: '9' })], pods: [neighbour({ on: 'n1', spec: { containers: [asks({ cpu: '4' })] } })] });
    expect(answers(resources, arriving(), land)).toEqual({ n1: [] });
    expect(answers(resources, wants('0'), land)).toEqual({ n1: [] });
  });
});
