// Required affinity and anti-affinity between pods, of the pod that lands and of those that are there already: anti-affinity works both
// ways, whoever asked for it.

import type { LabelSelector, Pod, PodSpec } from '../../kubernetes/objects.ts';
import { matchesSelector } from '../../kubernetes/selector.ts';
import { leavesFrom, staying, type Arrival } from './arrival.ts';
import { PASSES, type Filter } from './filter.ts';
import type { Labels, Landscape, NodeSite } from './landscape.ts';
import { DomainCounts } from './topology-domains.ts';

const NOT_NEAR = ["node(s) didn't match pod affinity rules"];
const TOO_NEAR = ["node(s) didn't match pod anti-affinity rules"];
const SHUNNED = ["node(s) didn't satisfy existing pods anti-affinity rules"];

export const podAffinity: Filter = (arrival, landscape) => {
  const { spec, labels } = arrival.pod;
  const near = readingsOf(termsOf(spec, 'podAffinity'), labels).map((terms) => nearness(terms, arrival, landscape));
  const apart = readingsOf(termsOf(spec, 'podAntiAffinity'), labels).map((terms) => apartness(terms, arrival, landscape));
  const shunning = shunningDomains(arrival, landscape);
  return (site) => {
    if (!near.every((reading) => reading(site))) return NOT_NEAR;
    if (apart.some((reading) => reading(site))) return TOO_NEAR;
    return shunning.anyAt(site) ? SHUNNED : PASSES;
  };
};

interface Term {
  topologyKey: string;
  labelSelector?: LabelSelector;
  namespaces?: string[];
  namespaceSelector?: LabelSelector;
  matchLabelKeys?: string[];
  mismatchLabelKeys?: string[];
}

/** What a term looks at in a pod. */
interface Candidate {
  namespace: string;
  labels: Labels;
}

/**
 * The terms as they are written, and as Kubernetes 1.36 reads them: it asks the namespace selectors of the pod that lands about a namespace
 * without labels, too, so that those which only exclude select every namespace. A node has to do by both.
 */
function readingsOf(written: readonly Term[], labels: Labels): readonly (readonly Term[])[] {
  if (written.length === 0) return [];
  const terms = written.map((term) => withOwnLabels(term, labels));
  const read = terms.map((term) => (matchesSelector(term.namespaceSelector, {}) ? { ...term, namespaceSelector: {} } : term));
  return terms.every(({ namespaceSelector = {} }) => isEmpty(namespaceSelector) || !matchesSelector(namespaceSelector, {})) ? [terms] : [terms, read];
}

function isEmpty({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return Object.keys(matchLabels).length + matchExpressions.length === 0;
}

/** Every domain that the terms name has a pod that all of them are about; the first of a group that wants to be together may go anywhere. */
function nearness(terms: readonly Term[], arrival: Arrival, landscape: Landscape): (site: NodeSite) => boolean {
  const { pod } = arrival;
  const aboutAll = (candidate: Candidate): boolean => terms.every((term) => isAbout(term, { owner: pod.namespace, candidate, landscape }));
  const counts = new DomainCounts();
  for (const site of landscape.sites) {
    const matching = staying(site, arrival).filter((other) => aboutAll(candidateOf(other))).length;
    if (matching > 0) for (const { topologyKey } of terms) counts.add(site, topologyKey, matching);
  }
  const first = counts.empty && aboutAll(pod);
  return (site) => terms.every(({ topologyKey }) => DomainCounts.domainOf(site, topologyKey) !== undefined) && (first || terms.every(({ topologyKey }) => counts.at(site, topologyKey) > 0));
}

function apartness(terms: readonly Term[], arrival: Arrival, landscape: Landscape): (site: NodeSite) => boolean {
  const { pod } = arrival;
  const counts = new DomainCounts();
  for (const site of landscape.sites) {
    for (const other of staying(site, arrival)) {
      const candidate = candidateOf(other);
      for (const term of terms) if (isAbout(term, { owner: pod.namespace, candidate, landscape })) counts.add(site, term.topologyKey, 1);
    }
  }
  return (site) => terms.some(({ topologyKey }) => counts.at(site, topologyKey) > 0);
}

/** One and the same term, of all pods of a namespace that have it: where they are. */
interface Shunning {
  term: Term;
  owner: string;
  sites: NodeSite[];
}

const shunnings = new WeakMap<Landscape, ReadonlyMap<string, Shunning>>();

/** Domains whose pods do not want this one. */
function shunningDomains({ pod, leaving }: Arrival, landscape: Landscape): DomainCounts {
  const counts = new DomainCounts();
  for (const { term, owner, sites } of shunningsOf(landscape).values()) {
    if (isAbout(term, { owner, candidate: pod, landscape })) for (const site of sites) counts.add(site, term.topologyKey, 1);
  }
  if (leaving === undefined) return counts;
  const owner = candidateOf(leaving).namespace;
  const former = termsOf(leaving.spec, 'podAntiAffinity').filter((term) => isAbout(term, { owner, candidate: pod, landscape }));
  for (const site of former.length === 0 ? [] : landscape.sites.filter((one) => leavesFrom(one, leaving))) for (const { topologyKey } of former) counts.add(site, topologyKey, -1);
  return counts;
}

function shunningsOf(landscape: Landscape): ReadonlyMap<string, Shunning> {
  const known = shunnings.get(landscape);
  if (known !== undefined) return known;
  const found = new Map<string, Shunning>();
  for (const site of landscape.sites) {
    for (const pod of site.pods) {
      const owner = candidateOf(pod).namespace;
      for (const term of termsOf(pod.spec, 'podAntiAffinity')) {
        const key = JSON.stringify([owner, term]);
        const one = found.get(key) ?? { term, owner, sites: [] };
        one.sites.push(site);
        found.set(key, one);
      }
    }
  }
  shunnings.set(landscape, found);
  return found;
}

/** Every topology key, and what the rules of those that are there say, as text: whoever is alike in both is shunned alike. */
export function shunningRules(landscape: Landscape): { keys: readonly string[]; text: string } {
  const rules = shunningsOf(landscape);
  return { keys: [...new Set([...rules.values()].map(({ term }) => term.topologyKey))], text: [...rules.keys()].join('\n') };
}

function termsOf({ affinity }: PodSpec, kind: 'podAffinity' | 'podAntiAffinity'): readonly Term[] {
  const rules = affinity?.[kind] as { requiredDuringSchedulingIgnoredDuringExecution?: Term[] } | undefined;
  return rules?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
}

/** The API server writes these into the selector of a pod, but not of a template. */
function withOwnLabels(term: Term, labels: Labels): Term {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  if (labelSelector === undefined || matchLabelKeys.length + mismatchLabelKeys.length === 0) return term;
  const expressions = [...expressionsFor(matchLabelKeys, 'In', labels), ...expressionsFor(mismatchLabelKeys, 'NotIn', labels)];
  return { ...term, labelSelector: { ...labelSelector, matchExpressions: [...(labelSelector.matchExpressions ?? []), ...expressions] } };
}

function expressionsFor(keys: readonly string[], operator: 'In' | 'NotIn', labels: Labels): { key: string; operator: string; values: string[] }[] {
  return keys.flatMap((key) => (labels[key] === undefined ? [] : [{ key, operator, values: [labels[key]] }]));
}

function isAbout({ namespaces = [], namespaceSelector, labelSelector }: Term, { owner, candidate, landscape }: { owner: string; candidate: Candidate; landscape: Landscape }): boolean {
  const ownOnly = namespaces.length === 0 && namespaceSelector === undefined;
  const named = ownOnly ? candidate.namespace === owner : namespaces.includes(candidate.namespace);
  return (named || matchesSelector(namespaceSelector, landscape.namespaceLabels(candidate.namespace))) && matchesSelector(labelSelector, candidate.labels);
}

function candidateOf({ metadata }: Pod): Candidate {
  return { namespace: metadata.namespace ?? '', labels: metadata.labels ?? {} };
}
