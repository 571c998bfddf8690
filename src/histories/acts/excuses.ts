// What people did on purpose, as it stands in `world.excuses`: it excuses what would be wrong without it.

export const EXCUSES = {
  /** The StatefulSet was deleted; another one of its name may follow. */
  setDeleted: (name: string) => `set deleted: ${name}`,
  /** Its data may go: a person deleted the claim, or scaled down where the set's policy deletes claims. */
  claimGivenUp: (name: string) => `claim given up: ${name}`,
  /** Nobody deletes any more what it has made or kept. */
  recordReleased: (name: string) => `record released: ${name}`,
  /** It need not come to anything: what it asks for may be impossible. */
  recordMadeByHand: (name: string) => `record made by hand: ${name}`,
  /** Writes since the move are on the newer disk only: `web-1`. */
  restoreAsked: (pod: string) => `restore-source asked for: ${pod}`,
  /** Disk or snapshot, by its id: somebody deleted it at the cloud. */
  deletedInCloud: (id: string) => `deleted in the cloud: ${id}`,
  /** By its id: somebody attached it at the cloud, beside everything that Kubernetes knows. */
  diskAttachedByHand: (id: string) => `disk attached by hand: ${id}`,
  /** A second PV for a disk. */
  volumeMadeByHand: (name: string) => `volume made by hand: ${name}`,
  /** Labels, finalizers, reclaim policy of a PV or a claim. */
  editedByHand: (kind: string, name: string) => `edited by hand: ${kind} ${name}`,
  /** A guard of ours was overridden for this record. */
  guardOverridden: (record: string) => `guard overridden: ${record}`,
} as const;
