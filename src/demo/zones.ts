// Where the demo takes place: a region with three zones, and the nodes of each.

import type { NodeSpec } from '../simulation/kubelet/registration.ts';

export const REGION = 'cn-beijing';
export const ZONES = ['a', 'b', 'c'].map((letter) => `${REGION}-${letter}`);
/** Where everything begins. */
export const FIRST_ZONE = `${REGION}-a`;
export const NODES_PER_ZONE = 2;

export function nodesOf(zone: string): NodeSpec[] {
  return Array.from({ length: NODES_PER_ZONE }, (_, index) => ({ name: `node-${zone.slice(REGION.length + 1)}${index + 1}`, zone }));
}
