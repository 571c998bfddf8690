// What the scheduler does not look at and a move must know: whether a node is Ready, has the disks' driver, and attaches disks of their
// category. Said last, so that whatever the scheduler would say itself is said first.

import { nodeFacts } from '../../layout/nodes.ts';
import { PASSES, type Filter } from './filter.ts';
import type { Landscape, NodeSite } from './landscape.ts';

/** Without its taint, or with a pod that tolerates it, the scheduler would take such a node; its kubelet would not start the pod. */
export const notReady: Filter =
  () =>
  (site) =>
    factsOf(site).ready ? PASSES : ['node(s) were not ready'];

export const diskDrivers: Filter = ({ newDisks }, landscape) => {
  const needed = distinct(newDisks.map(({ driver }) => driver));
  if (needed.length === 0 || !tellsDrivers(landscape)) return () => PASSES;
  return ({ csiNode }) => needed.filter((driver) => csiNode?.spec.drivers?.some(({ name }) => name === driver) !== true).map((driver) => `${driver} CSI driver is not installed on the node`);
};

export const diskCategories: Filter = ({ newDisks }) => {
  const needed = distinct(newDisks.map(({ category }) => category));
  if (needed.length === 0) return () => PASSES;
  return (site) => {
    const { diskCategories: offered } = factsOf(site);
    return offered === undefined ? PASSES : needed.filter((category) => !offered.includes(category)).map((category) => `node(s) cannot attach ${category} disks`);
  };
};

/** A cluster without any CSINode says nothing about drivers. */
function tellsDrivers({ sites }: Landscape): boolean {
  return sites.some(({ csiNode }) => csiNode !== undefined);
}

function factsOf({ node, csiNode }: NodeSite) {
  const [facts] = nodeFacts([node], csiNode === undefined ? [] : [csiNode]);
  if (facts === undefined) throw new Error(`no facts about node ${node.metadata.name}`);
  return facts;
}

function distinct(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter((value) => value !== undefined))];
}
