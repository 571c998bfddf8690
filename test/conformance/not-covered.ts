// Facts that no scenario plays, each with the reason.

import type { FactId } from './facts.ts';

export const NOT_COVERED: Partial<Record<FactId, string>> = {
  'trap-8c': 'About the cloud, not Kubernetes: the model of its disks is held to it by its own tests.',
  'claims-10': 'About other tools: the product looks for their marks, which its own tests cover.',
  'pods-5': 'The gate MaxUnavailableStatefulSet is off in the version that is played on (1.36), as in the simulation.',
  'kruise-1': 'OpenKruise is not on the control plane that is played on; the product’s own tests have its shape.',
  'versions-1': 'One version is played on. What the simulation knows of 1.30 is held by test/simulation/controllers.',
  'tried-policies-1': 'The product registers webhooks and no policies; the simulated API server serves none.',
};
