// Verbs of the contract that this version does not have, each with what does the same until then.

const request = (word: string): string => `until then: kubectl annotate om <migration> zonespread.io/request=${word}`;

export const LATER_VERBS: Readonly<Record<string, string>> = {
  migrate: 'until then: create an OrdinalMigration with statefulSetRef, ordinal and targetZone',
  pause: 'until then: kubectl annotate statefulset <set> zonespread.io/paused=true',
  resume: `until then: kubectl annotate --overwrite statefulset <set> zonespread.io/paused=false; for a Frozen move, kubectl annotate om <migration> zonespread.io/request=resume`,
  abort: request('abort'),
  reverse: request('reverse'),
  'restore-source': request('restore-source'),
  release: request('release'),
  evacuate: 'until then: take the zone out of zonespread.io/zones of each set',
  retained: 'until then: kubectl get spreadreports -A -o yaml, status.retained',
  doctor: 'until then: see the log of the controller and kubectl get --raw of its /readyz',
  completion: 'until then: zonespread --help lists what there is',
};
