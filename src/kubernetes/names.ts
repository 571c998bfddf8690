// Names of interface.md that stand on other people's objects: a contract, in one place.

export const GROUP = 'zonespread.io';
/** Scheduling gate that keeps the pod of a moving ordinal from being scheduled. */
export const GATE = 'zonespread.io/migrating';
/** Label on a namespace with something in flight. */
export const IN_FLIGHT_LABEL = 'zonespread.io/in-flight';
/** Label (PV, PVC) and tag (disk, snapshot): UID of the record. */
export const MIGRATION_LABEL = 'zonespread.io/migration';
/** `source` or `target` on volumes and disks; `placeholder` on the pod that holds a landing node. */
export const ROLE_LABEL = 'zonespread.io/role';
/** Tag: UID of the kube-system namespace. */
export const CLUSTER_TAG = 'zonespread.io/cluster';
/** Tag: name of the claim template, since a migration may move several disks. */
export const CLAIM_TAG = 'zonespread.io/claim';
/** Tag: which attempt of the migration made it (`1`, `2` …): a snapshot that became void is never adopted again. */
export const ATTEMPT_TAG = 'zonespread.io/attempt';
/** Tag on a source disk: id of the disk that took its place. */
export const SUPERSEDED_TAG = 'zonespread.io/superseded-by';
/** Label on a dry-run pod or claim that is to be gated and steered as if it were the ordinal's: UID of the record. */
export const PROBE_LABEL = 'zonespread.io/probe';
/** Readiness gate of a placeholder, which nobody ever opens: it is never Ready, so that no budget and no Service counts it. */
export const PLACEHOLDER_GATE = 'zonespread.io/placeholder';
/** Annotation on a placeholder: what for, in words. */
export const RESERVES_ANNOTATION = 'zonespread.io/reserves';
/** Annotation that we change to make the PV controller look at a claim again. */
export const TOUCH_ANNOTATION = 'zonespread.io/touched';
/** Annotation by which a person decides about a record. */
export const REQUEST_ANNOTATION = 'zonespread.io/request';
/** Annotation on a record: digests of policy, spec and nodes when the daemon planned it. */
export const CIRCUMSTANCES_ANNOTATION = 'zonespread.io/circumstances';
/** Annotation by which a person overrides the admission guard: value is the migration's name. */
export const OVERRIDE_ANNOTATION = 'zonespread.io/override';
export const FINALIZER = 'zonespread.io/migration';
export const VELERO_EXCLUDE_LABEL = 'velero.io/exclude-from-backup';
/** Annotation on the daemon's Lease: its user name, so that the webhook knows who "ourselves" is. */
export const CONTROLLER_USER_ANNOTATION = 'zonespread.io/controller-user';
