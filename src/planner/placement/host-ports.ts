// Ports of the node itself: two pods cannot have the same one, and an address of its own only keeps apart from other addresses.

import type { PodSpec } from '../../kubernetes/objects.ts';
import { staying } from './arrival.ts';
import { containersOf, initContainersOf, isSidecar } from './containers.ts';
import { PASSES, type Filter } from './filter.ts';

const TAKEN = ["node(s) didn't have free ports for the requested pod ports"];
const EVERY_ADDRESS = '0.0.0.0';

interface HostPort {
  address: string;
  protocol: string;
  port: number;
}

export const hostPorts: Filter = (arrival) => {
  const wanted = hostPortsOf(arrival.pod.spec);
  if (wanted.length === 0) return () => PASSES;
  return (site) => {
    const used = staying(site, arrival).flatMap(({ spec }) => hostPortsOf(spec));
    return wanted.some((one) => used.some((other) => collide(one, other))) ? TAKEN : PASSES;
  };
};

function hostPortsOf(spec: PodSpec): HostPort[] {
  const lasting = [...initContainersOf(spec).filter(isSidecar), ...containersOf(spec)];
  return lasting.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort = 0, hostIP = '', protocol = 'TCP' }) => (hostPort > 0 ? [{ address: hostIP === '' ? EVERY_ADDRESS : hostIP, protocol, port: hostPort }] : [])),
  );
}

function collide(one: HostPort, other: HostPort): boolean {
  if (one.port !== other.port || one.protocol !== other.protocol) return false;
  return one.address === other.address || one.address === EVERY_ADDRESS || other.address === EVERY_ADDRESS;
}
