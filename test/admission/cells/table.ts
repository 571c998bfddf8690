// The decision about every cell (who × what × in which state of the move), written down by groups of cells, each with its reason: the
// first line that fits decides. What cannot happen is listed beside it, and so is what policies without the webhook decide differently.

import { ACTOR_NAMES, ADDONS, DAEMON, KUBERNETES, PERHAPS, type ActorName } from './actors.ts';
import { ACTS, type Act, type ObjectName, type Verb } from './acts.ts';
import { IN_FLIGHT, STATES, type State } from './stage.ts';

export interface Cell {
  by: ActorName;
  act: Act;
  state: State;
}

/** `refuse:<rule>`, `warn:<rule>`, `gate` and `steer` for creates that are patched, `allow`. */
export type Verdict = 'allow' | 'gate' | 'steer' | `warn:${string}` | `refuse:${string}`;

/** A part that is left out fits everything. */
interface Group {
  object?: ObjectName | readonly ObjectName[];
  verb?: Verb | readonly Verb[];
  change?: string | readonly string[];
  by?: readonly ActorName[];
  in?: State | readonly State[];
}

export interface Line extends Group {
  verdict: Verdict;
  because: string;
}

export interface Impossible extends Group {
  because: string;
}

const OTHERS = ACTOR_NAMES.filter((name) => !KUBERNETES.includes(name) && !DAEMON.includes(name));
/** Neither Kubernetes nor anybody who is, or may be, our daemon. */
const STRANGERS = OTHERS.filter((name) => !PERHAPS.includes(name));
const PEOPLE = STRANGERS.filter((name) => !ADDONS.includes(name));
const VOLUMES = ['source volume', 'target volume'] as const;
const DELETES = ['deletes it', 'deletes it under its UID'];

export const TABLE: readonly Line[] = [
  // Policy: whoever writes it, whatever moves.
  { object: 'Namespace', change: 'declares a wrong policy', in: 'terminating', verdict: 'allow', because: 'what goes is nobody\'s policy any more' },
  { change: ['declares a wrong policy', 'makes another of a wrong policy'], verdict: 'refuse:policy', because: 'a wrong policy is refused where it is written' },
  { change: 'declares a zone without nodes', verdict: 'warn:policy', because: 'legal, and nothing will move there' },

  // The set.
  { object: 'Scale', change: ['to where the ordinal is gone', 'to nothing'], by: DAEMON, verdict: 'allow', because: 'our daemon is never asked about; it scales nothing' },
  { object: 'Scale', change: ['to where the ordinal is gone', 'to nothing'], in: IN_FLIGHT, verdict: 'refuse:scale', because: 'an ordinal under way stays, whoever scales: an autoscaler is a client like any other' },
  { object: 'Scale', verdict: 'allow', because: 'other ordinals come and go as they please, and so does all of it when nothing moves or the namespace goes' },
  { object: 'StatefulSet', by: [...KUBERNETES, ...DAEMON], verdict: 'allow', because: 'Kubernetes writes status and metadata, and ends what somebody has deleted; our daemon never writes a set' },
  { object: 'StatefulSet', change: ['scales the ordinal away', 'goes back to an older manifest'], in: IN_FLIGHT, verdict: 'refuse:set-scale', because: 'an ordinal under way stays, by whichever verb, a Helm upgrade out of an old chart included' },
  { object: 'StatefulSet', change: 'moves the first ordinal', in: IN_FLIGHT, verdict: 'refuse:set-ordinals', because: 'it would rename the pods' },
  { object: 'StatefulSet', change: 'changes what happens to claims', in: IN_FLIGHT, verdict: 'refuse:set-retention', because: 'claims could go while they are replaced' },
  { object: 'StatefulSet', change: ['rolls a template out', 'goes back to an older manifest'], in: [...IN_FLIGHT, 'terminating'], verdict: 'warn:set-template', because: 'a rollout waits for the ordinal, or the ordinal for it' },
  { object: 'StatefulSet', change: DELETES, in: IN_FLIGHT, verdict: 'refuse:set-delete', because: 'the move would be without an owner' },
  { object: 'StatefulSet', verdict: 'allow', because: 'all else about a set is its owner\'s' },

  // Claims.
  { object: 'moving claim', change: 'makes it again', in: IN_FLIGHT, verdict: 'steer', because: 'whoever makes it, it gets the volume that the record names; a refusal would stop the StatefulSet controller' },
  { object: 'moving claim', by: [...KUBERNETES, ...DAEMON], verdict: 'allow', because: 'binding, protection and collection of claims are Kubernetes\' own, the swap is our daemon\'s' },
  { object: 'moving claim', change: ['grows it', 'binds it to another volume'], in: IN_FLIGHT, verdict: 'refuse:claim-update', because: 'its disk is being copied' },
  { object: 'moving claim', change: ['takes our labels off', 'has it bound anew'], by: STRANGERS, in: IN_FLIGHT, verdict: 'refuse:claim-update', because: 'by these it is known and bound' },
  { object: 'moving claim', change: 'deletes it under its UID', by: PERHAPS, in: IN_FLIGHT, verdict: 'allow', because: 'the UID is the one recorded as intent: it is our swap' },
  { object: 'moving claim', change: DELETES, in: IN_FLIGHT, verdict: 'refuse:claim-delete', because: 'its data could go' },
  { object: ['moving claim', 'other claim'], verdict: 'allow', because: 'finalizers, owners, annotations and status are free, and so are claims of which nothing moves' },

  // Volumes.
  { object: [...VOLUMES, 'other volume', 'kept volume'], by: [...KUBERNETES, ...DAEMON], verdict: 'allow', because: 'the binder binds and releases, our daemon swaps, keeps and retires' },
  { object: VOLUMES, change: 'sets it to Delete', by: PERHAPS, in: IN_FLIGHT, verdict: 'allow', because: 'under a shared name nobody can tell: settle gives the policy back' },
  { object: VOLUMES, change: 'sets it to Delete', in: IN_FLIGHT, verdict: 'refuse:volume-update', because: 'trap 4: the disk could be deleted' },
  { object: VOLUMES, change: 'says how large its disk has become', by: ADDONS, verdict: 'allow', because: 'what a resizer in kube-system does; the daemon looks for it' },
  { object: VOLUMES, change: ['says how large its disk has become', 'takes its claim off', 'gives it to another claim'], in: IN_FLIGHT, verdict: 'refuse:volume-update', because: 'trap 5: any claim could take the disk' },
  { object: 'source volume', change: ['clears the UID of its claim', 'has it bound anew'], by: STRANGERS, in: ['before the swap', 'rolling back'], verdict: 'refuse:volume-update', because: 'only an undo frees it' },
  { object: 'target volume', change: ['clears the UID of its claim', 'has it bound anew'], by: STRANGERS, in: ['after the swap', 'frozen'], verdict: 'refuse:volume-update', because: 'only an undo frees it' },
  { object: VOLUMES, change: 'takes our labels off', by: STRANGERS, in: IN_FLIGHT, verdict: 'refuse:volume-update', because: 'by these it is guarded' },
  { object: 'target volume', change: 'deletes it under its UID', by: PERHAPS, in: IN_FLIGHT, verdict: 'allow', because: 'the UID is the one recorded as intent: it is our undo' },
  { object: VOLUMES, change: DELETES, in: IN_FLIGHT, verdict: 'refuse:volume-delete', because: 'its data could go' },
  { object: 'source volume', change: ['sets it to Delete', ...DELETES], in: 'kept', verdict: 'warn:volume-kept', because: 'it is its owner\'s again, and the last way back' },
  { object: 'kept volume', change: ['sets it to Delete', ...DELETES], verdict: 'warn:volume-kept', because: 'it is its owner\'s again, and the last way back' },
  { object: [...VOLUMES, 'other volume', 'kept volume'], verdict: 'allow', because: 'finalizers (provisioner, attacher), annotations and status are free, and so is every volume that nothing moves' },

  // The pod.
  { object: 'moving pod', change: ['makes it again', 'makes it again out of another version'], in: ['before the swap', 'after the swap', 'rolling back'], verdict: 'gate', because: 'trap 9: it must not start on a disk that is being copied, whatever version of the set made it' },
  { object: 'moving pod', verdict: 'allow', because: 'a pod that is deleted, evicted by a drain or let go comes back gated, and a start too early costs a retry, never a write' },

  // Our kinds.
  { object: ['OrdinalMigration', 'SpreadReport', 'ZoneEvacuation'], by: [...KUBERNETES, ...DAEMON], verdict: 'allow', because: 'the daemon\'s own records; the garbage and namespace controllers end what somebody has deleted' },
  { object: 'OrdinalMigration', change: 'makes one for the moving ordinal', in: ['pending', ...IN_FLIGHT], verdict: 'refuse:hand-made-twice', because: 'one move an ordinal' },
  { object: 'OrdinalMigration', change: 'makes one for no ordinal', verdict: 'refuse:hand-made-ordinal', because: 'it would wait for ever' },
  { object: 'OrdinalMigration', change: 'takes our finalizer off', by: STRANGERS, in: IN_FLIGHT, verdict: 'refuse:migration-finalizer', because: 'the record is what the daemon goes on from' },
  { object: 'OrdinalMigration', change: DELETES, in: IN_FLIGHT, verdict: 'refuse:migration-delete', because: 'the record is what the daemon goes on from' },
  { object: 'OrdinalMigration', change: DELETES, in: 'kept', verdict: 'warn:migration-release', because: 'to delete it is to release what it keeps' },
  { object: 'OrdinalMigration', verb: 'status', by: STRANGERS, in: IN_FLIGHT, verdict: 'refuse:migration-status', because: 'the daemon goes by it' },
  { object: 'OrdinalMigration', verb: 'status', by: STRANGERS, in: ['pending', 'kept'], verdict: 'refuse:status', because: 'the daemon goes by it, in every phase' },
  { object: 'SpreadReport', verb: 'status', by: STRANGERS, in: STATES.filter((state) => state !== 'terminating'), verdict: 'refuse:status', because: 'what was approved stands there' },
  { object: 'ZoneEvacuation', verb: 'status', by: STRANGERS, verdict: 'refuse:status', because: 'people go by it' },
  { object: 'ZoneEvacuation', change: 'evacuates what is no zone', verdict: 'refuse:evacuation-zone', because: 'it would evacuate nothing' },
  { object: 'ZoneEvacuation', change: 'evacuates a zone without nodes', verdict: 'warn:evacuation-zone', because: 'its nodes may be gone already, or it is misspelt' },
  { object: ['OrdinalMigration', 'SpreadReport', 'ZoneEvacuation'], verdict: 'allow', because: 'requests and annotations are people\'s, and records out of flight may go' },

  // The namespace.
  { object: 'Namespace', change: 'takes our label off', by: STRANGERS, in: IN_FLIGHT, verdict: 'refuse:namespace-label', because: 'without it nothing there is guarded' },
  { object: 'Namespace', verdict: 'allow', because: 'a namespace is never held up: it goes, whatever is in flight in it' },
];

/** Requests that no API server takes, or that cannot be in that state. */
export const IMPOSSIBLE: readonly Impossible[] = [
  { object: 'OrdinalMigration', verb: ['update', 'patch', 'apply', 'delete', 'deletecollection', 'status'], in: 'none', because: 'there is no record' },
  { object: ['StatefulSet', 'moving claim', 'other claim', 'moving pod', 'OrdinalMigration', 'SpreadReport'], verb: 'create', in: 'terminating', because: 'the API server makes nothing in a namespace that goes, and asks nobody about it' },
  { object: 'moving pod', verb: 'evict', in: 'terminating', because: 'an eviction is made, too, and nothing is made there' },
  { object: 'Scale', verb: ['create', 'update', 'patch', 'apply', 'delete', 'deletecollection', 'status', 'evict'], because: 'a Scale is a view of its set: its update and its patch are the verb scale' },
  { object: 'StatefulSet', verb: 'scale', because: 'it is the object Scale' },
  { object: ['moving claim', 'other claim', ...VOLUMES, 'other volume', 'kept volume', 'moving pod', 'OrdinalMigration', 'SpreadReport', 'ZoneEvacuation', 'Namespace'], verb: 'scale', because: 'only sets have the subresource' },
  { object: ['StatefulSet', 'moving claim', 'other claim', ...VOLUMES, 'other volume', 'kept volume', 'OrdinalMigration', 'SpreadReport', 'ZoneEvacuation', 'Namespace'], verb: 'evict', because: 'only pods have the subresource' },
  { object: [...VOLUMES, 'kept volume'], verb: 'create', because: 'it is there; another one under its name is a conflict' },
  { object: ['ZoneEvacuation', 'Namespace'], verb: 'deletecollection', because: 'one a state here: of the rules it is a delete; namespaces have no such verb' },
  { object: 'moving pod', verb: 'apply', change: 'takes the gate off', because: 'server-side apply takes away only what its manager owns' },
];

/** What a real API server refuses by itself, before or after it asks anybody: whatever is expected of us then cannot be seen. */
export const KUBERNETES_REFUSES: readonly Impossible[] = [
  { object: ['moving claim', 'other claim'], change: 'binds it to another volume', because: 'the volume of a bound claim is immutable' },
  { object: 'Namespace', verb: 'status', in: 'terminating', because: 'a namespace that goes cannot be called Active' },
];

/** What policies without the webhook decide differently, and why they cannot do better. The first that fits counts. */
export const POLICIES_ALONE: readonly (Group & { instead: 'refuse' | 'allow' | 'not asked'; because: string; of?: RegExp })[] = [
  { by: PERHAPS, instead: 'not asked', because: 'policies know the daemon by its service account; one outside a cluster that shares its user with people needs the webhook' },
  { object: ['StatefulSet', 'Scale'], verb: ['create', 'update', 'patch', 'apply', 'delete', 'deletecollection', 'scale'], by: DAEMON, instead: 'refuse', because: 'our own account is confined: it never writes a set' },
  { object: 'Namespace', change: 'deletes it', by: DAEMON, in: 'terminating', instead: 'allow', because: 'it goes already: the API server answers without asking anybody' },
  { object: 'Namespace', change: ['makes another', 'labels it', 'declares a wrong policy', 'deletes it'], by: DAEMON, instead: 'refuse', because: 'our own account is confined: of a namespace it writes our label only' },
  { object: 'other volume', verb: ['create', 'update', 'patch', 'apply', 'delete', 'deletecollection'], by: DAEMON, instead: 'refuse', because: 'our own account is confined to volumes with our label' },
  { object: VOLUMES, verb: ['update', 'patch', 'apply', 'delete', 'deletecollection'], by: DAEMON, in: ['none', 'pending'], instead: 'refuse', because: 'our own account is confined to volumes with our label' },
  { object: [...VOLUMES, 'kept volume'], change: 'sets it to Delete', by: DAEMON, instead: 'refuse', because: 'our own account is confined: it gives a policy back only while the volume is bound, and here nobody has called one Bound' },
  { object: 'target volume', verb: ['update', 'patch', 'apply', 'delete', 'deletecollection'], by: DAEMON, in: 'kept', instead: 'refuse', because: 'our own account is confined to volumes with our label' },
  { of: /^refuse:policy$/, instead: 'allow', because: 'cron, PromQL and durations are beyond CEL; the daemon reports InvalidPolicy' },
  { of: /^refuse:(?:hand-made|evacuation)/, instead: 'allow', because: 'it takes nodes, sets and other records to tell; the daemon keeps the record Pending and says why' },
  { object: VOLUMES, change: ['sets it to Delete', 'takes its claim off', 'gives it to another claim', 'takes our labels off', ...DELETES], by: STRANGERS, in: 'terminating', instead: 'refuse', because: 'a policy about a volume sees neither the record nor its namespace' },
  { object: VOLUMES, change: 'says how large its disk has become', by: PEOPLE, in: 'terminating', instead: 'refuse', because: 'a policy about a volume sees neither the record nor its namespace' },
  { object: 'source volume', change: ['clears the UID of its claim', 'has it bound anew'], by: STRANGERS, in: 'terminating', instead: 'refuse', because: 'a policy about a volume sees neither the record nor its namespace' },
  { object: 'source volume', change: ['sets it to Delete', 'takes its claim off', 'gives it to another claim', 'takes our labels off', ...DELETES], by: STRANGERS, in: 'kept', instead: 'refuse', because: 'our label is all a policy sees: a source that is kept is guarded like one in flight, until it is released or overridden' },
  { object: 'source volume', change: 'says how large its disk has become', by: PEOPLE, in: 'kept', instead: 'refuse', because: 'our label is all a policy sees' },
  { object: 'kept volume', change: ['sets it to Delete', 'takes its claim off', 'gives it to another claim', 'takes our labels off', ...DELETES], by: STRANGERS, instead: 'refuse', because: 'our label is all a policy sees: a source that is kept is guarded like one in flight, until it is released or overridden' },
  { object: 'kept volume', change: 'says how large its disk has become', by: PEOPLE, instead: 'refuse', because: 'our label is all a policy sees' },
  { of: /^warn:/, instead: 'allow', because: 'nobody warns: it takes nodes, budgets and other records to know' },
];

export function cells(): Cell[] {
  return ACTOR_NAMES.flatMap((by) => ACTS.flatMap((act) => STATES.map((state) => ({ by, act, state }))));
}

export function isImpossible(cell: Cell): boolean {
  return IMPOSSIBLE.some((group) => fits(group, cell));
}

/** Undefined: nobody has decided. */
export function lineFor(cell: Cell): Line | undefined {
  return TABLE.find((line) => fits(line, cell));
}

export function fits(group: Group, { by, act, state }: Cell): boolean {
  return isAmong(act.object, group.object) && isAmong(act.verb, group.verb) && isAmong(act.change, group.change) && isAmong(by, group.by) && isAmong(state, group.in);
}

function isAmong(value: string, allowed: string | readonly string[] | undefined): boolean {
  return allowed === undefined || (typeof allowed === 'string' ? allowed === value : allowed.includes(value));
}
