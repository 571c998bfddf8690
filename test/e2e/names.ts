// Names that scenarios look for on objects and resources: they are contracts, so the tests have them in their own words.

export const ZONE = 'topology.kubernetes.io/zone';
export const FINALIZER = 'zonespread.io/migration';
export const GATE = 'zonespread.io/migrating';
export const MIGRATION = 'zonespread.io/migration';
export const ROLE = 'zonespread.io/role';
export const SUPERSEDED_BY = 'zonespread.io/superseded-by';
export const IN_FLIGHT = 'zonespread.io/in-flight';
/** Tags that the CSI driver puts on a disk. */
export const MADE_FOR_NAMESPACE = 'kubernetes.io/created-for/pvc/namespace';
export const MADE_FOR_VOLUME = 'kubernetes.io/created-for/pv/name';
