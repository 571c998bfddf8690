// What a node can take: its zone, whether pods may land there, and which disks it attaches.

import type { CSINode, Node } from '../kubernetes/objects.ts';
import { zoneOfNode } from './zones.ts';

export interface NodeFacts {
  name: string;
  /** Undefined when the node has no zone label. */
  zone: string | undefined;
  ready: boolean;
  /** Not cordoned. */
  schedulable: boolean;
  taints: readonly { key: string; value?: string; effect: string }[];
  labels: Readonly<Record<string, string>>;
  /** Undefined when the node says nothing about categories (an older CSI driver): then any. */
  diskCategories: readonly string[] | undefined;
  /** CSI drivers registered on it; undefined when the cluster tells nothing about any node. */
  drivers: readonly string[] | undefined;
}

export function nodeFacts(nodes: readonly Node[], csiNodes: readonly CSINode[]): NodeFacts[] {
  const driversByNode = new Map(csiNodes.map((csiNode) => [csiNode.metadata.name, (csiNode.spec.drivers ?? []).map(({ name }) => name)]));
  return nodes.map((node) => ({
    name: node.metadata.name,
    zone: zoneOfNode(node),
    ready: node.metadata.deletionTimestamp === undefined && (node.status?.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True'),
    schedulable: node.spec.unschedulable !== true,
    taints: node.spec.taints ?? [],
    labels: node.metadata.labels ?? {},
    diskCategories: diskCategoriesOf(node),
    drivers: csiNodes.length === 0 ? undefined : (driversByNode.get(node.metadata.name) ?? []),
  }));
}

const CATEGORY_LABEL_PREFIX = 'node.csi.alibabacloud.com/disktype.';

function diskCategoriesOf(node: Node): string[] | undefined {
  const labels = Object.entries(node.metadata.labels ?? {}).filter(([key]) => key.startsWith(CATEGORY_LABEL_PREFIX));
  if (labels.length === 0) return undefined;
  return labels.filter(([, value]) => value === 'available').map(([key]) => key.slice(CATEGORY_LABEL_PREFIX.length));
}
