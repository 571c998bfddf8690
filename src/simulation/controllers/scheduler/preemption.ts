// Preemption: on which node pods of lower priority would have to go for the pod to fit, and which: as few and as low as possible.

import type { Pod } from '../../../kubernetes/objects.ts';
import { isTerminating } from '../../../kubernetes/reading.ts';
import { judgeNode, type Verdict } from './filters.ts';
import type { NodeView, Question } from './view.ts';

export interface Victims {
  node: string;
  pods: Pod[];
}

/** Undefined when that helps nowhere, when the pod never preempts, or while room that was made for it before is still being cleared. */
export function victimsOn(question: Question, verdicts: readonly Verdict[]): Victims | undefined {
  const { pod } = question;
  if (pod.spec.preemptionPolicy === 'Never') return undefined;
  const nominated = question.nodes.find(({ node }) => node.metadata.name === pod.status?.['nominatedNodeName']);
  if (nominated?.pods.some((other) => isTerminating(other) && priorityOf(other) < priorityOf(pod)) === true) return undefined;
  const candidates = verdicts.filter(({ preemptionHelps }) => preemptionHelps).flatMap(({ view }) => victims(view, question) ?? []);
  return candidates.toSorted(byHarm)[0];
}

/** All lower ones go, then those that fit beside the pod are spared, the highest first. */
function victims(view: NodeView, question: Question): Victims | undefined {
  const lower = view.pods.filter((other) => priorityOf(other) < priorityOf(question.pod));
  if (lower.length === 0) return undefined;
  const kept = view.pods.filter((other) => !lower.includes(other));
  if (!fits(view, question, kept)) return undefined;
  const gone: Pod[] = [];
  for (const other of lower.toSorted((a, b) => priorityOf(b) - priorityOf(a))) {
    kept.push(other);
    if (fits(view, question, kept)) continue;
    kept.pop();
    gone.push(other);
  }
  return { node: view.node.metadata.name, pods: gone };
}

function fits(view: NodeView, question: Question, pods: Pod[]): boolean {
  const without = { ...view, pods };
  const nodes = question.nodes.map((other) => (other === view ? without : other));
  return judgeNode(without, { ...question, nodes }).reasons.length === 0;
}

function byHarm(left: Victims, right: Victims): number {
  const highest = ({ pods }: Victims): number => Math.max(...pods.map(priorityOf));
  return highest(left) - highest(right) || left.pods.length - right.pods.length;
}

export function priorityOf(pod: Pod): number {
  return typeof pod.spec.priority === 'number' ? pod.spec.priority : 0;
}
