// The sets that declare zones: whether their policies are right, and whether a PodDisruptionBudget can ever let a pod of theirs go.

import { policyOf } from '../../controller/decision.ts';
import { disruptionBudgets, namespaces, type PodDisruptionBudget, type StatefulSet } from '../../kubernetes/objects.ts';
import { nameOf } from '../../kubernetes/reading.ts';
import { matchesSelector } from '../../kubernetes/selector.ts';
import { ok, problem, warning, type Check, type Finding, type Patient } from './finding.ts';

export const declaredSets: Check = {
  area: 'Sets',
  looks: [setFindings],
};

async function setFindings(patient: Patient): Promise<Finding[]> {
  if (patient.sets.length === 0) return [ok('no set declares zones yet: kubectl annotate statefulset <name> zonespread.io/zones=<zone>,<zone>')];
  const byNamespace = Map.groupBy(patient.sets, ({ metadata }) => metadata.namespace ?? '');
  const findings = (await Promise.all([...byNamespace].map(([namespace, sets]) => inNamespace(patient, namespace, sets)))).flat();
  return findings.length > 0 ? findings : [ok(`${patient.sets.length === 1 ? 'the one set that declares zones can' : `all ${patient.sets.length} sets that declare zones can`} be moved, as far as policies and budgets go`)];
}

async function inNamespace({ api }: Patient, name: string, sets: readonly StatefulSet[]): Promise<Finding[]> {
  const [namespace, budgets] = await Promise.all([api.get(namespaces, { name }), api.list(disruptionBudgets, { namespace: name })]);
  return sets.flatMap((set) => {
    const declared = policyOf(set, namespace);
    const wrong = declared.kind === 'invalid' ? declared.problems.map(({ message }) => problem(`set ${nameOf(set)}: ${message}`, `kubectl annotate statefulset ${set.metadata.name} -n ${name} --overwrite <key>=<value>; until then nothing of it moves`)) : [];
    return [...wrong, ...budgetFindings(set, budgets)];
  });
}

function budgetFindings(set: StatefulSet, budgets: readonly PodDisruptionBudget[]): Finding[] {
  const labels = set.spec.template.metadata?.labels ?? {};
  const own = budgets.filter(({ spec }) => matchesSelector(spec.selector, labels));
  const names = own.map(({ metadata }) => metadata.name).join(', ');
  if (own.length > 1) return [problem(`pods of set ${nameOf(set)} are under several PodDisruptionBudgets (${names}): the eviction API refuses them all`, 'leave one of them, or narrow their selectors')];
  return own.filter(neverAllows).map((budget) => warning(`PodDisruptionBudget ${nameOf(budget)} never lets a pod of set ${nameOf(set)} go, although all are healthy`, 'let it allow one: maxUnavailable: 1, or minAvailable below the number of replicas; until then nothing of the set moves'));
}

/** All is well, and it still allows none. */
function neverAllows({ status }: PodDisruptionBudget): boolean {
  const { disruptionsAllowed = 0, currentHealthy = 0, expectedPods = 0 } = status ?? {};
  return disruptionsAllowed === 0 && expectedPods > 0 && currentHealthy >= expectedPods;
}
