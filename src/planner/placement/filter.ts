// What a filter is: asked once about a pod, then about node after node. It answers with the reasons in the scheduler's own words, or with
// none when the node will do.

import type { Arrival } from './arrival.ts';
import type { Landscape, NodeSite } from './landscape.ts';

export type Filter = (arrival: Arrival, landscape: Landscape) => NodeFilter;

export type NodeFilter = (site: NodeSite) => readonly string[];

export const PASSES: readonly string[] = [];
