import { expect, it } from 'vitest';
import { hostPorts } from '../../../src/planner/placement/host-ports.ts';
import { answers, arriving, landscape, neighbour, nodesWith } from './landings.ts';

const port = (hostPort: number, more: object = {}) => ({ name: 'main', ports: [{ hostPort, ...more }] });
const TAKEN = { n1: ["node(s) didn't have free ports for the requested pod ports"] };
const FREE = { n1: [] };

function onto(present: object, wanted: object) {
  const pod = neighbour({ on: 'n1', spec: { containers: [present as Record<string, unknown>] } });
  return answers(hostPorts, arriving({ containers: [wanted as Record<string, unknown>] }), landscape({ nodes: nodesWith({}), pods: [pod] }));
}

it('a port of the node belongs to one pod', () => {
  expect(onto(port(80), port(80))).toEqual(TAKEN);
  expect(onto(port(80), port(81))).toEqual(FREE);
});

it('protocols keep apart, TCP unless told', () => {
  expect(onto(port(80), port(80, { protocol: 'TCP' }))).toEqual(TAKEN);
  expect(onto(port(80), port(80, { protocol: 'UDP' }))).toEqual(FREE);
});

it('addresses keep apart, but from "all of them"', () => {
  expect(onto(port(80, { hostIP: '10.0.0.1' }), port(80, { hostIP: '10.0.0.2' }))).toEqual(FREE);
  expect(onto(port(80, { hostIP: '10.0.0.1' }), port(80, { hostIP: '10.0.0.1' }))).toEqual(TAKEN);
  expect(onto(port(80, { hostIP: '10.0.0.1' }), port(80))).toEqual(TAKEN);
  expect(onto(port(80, { hostIP: '0.0.0.0' }), port(80, { hostIP: '10.0.0.2' }))).toEqual(TAKEN);
});

it('sidecars hold theirs, init containers that end do not', () => {
  const holds = (restartPolicy?: string) => neighbour({ on: 'n1', spec: { initContainers: [{ ...port(80), ...(restartPolicy === undefined ? {} : { restartPolicy }) }] } });
  const wants = arriving({ containers: [port(80)] });
  expect(answers(hostPorts, wants, landscape({ nodes: nodesWith({}), pods: [holds('Always')] }))).toEqual(TAKEN);
  expect(answers(hostPorts, wants, landscape({ nodes: nodesWith({}), pods: [holds()] }))).toEqual(FREE);
});

it('the pod that goes away leaves its own', () => {
  const present = neighbour({ on: 'n1', spec: { containers: [port(80)] } });
  const land = landscape({ nodes: nodesWith({}), pods: [present] });
  expect(answers(hostPorts, arriving({ containers: [port(80)] }, { leaving: present }), land)).toEqual(FREE);
});

it('without ports of its own a pod asks for none', () => {
  expect(onto(port(80), { name: 'main', ports: [{ containerPort: 80 }] })).toEqual(FREE);
});
