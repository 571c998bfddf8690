// The API server's audit log: every write with its author, the proof of who wrote what and of who wrote nothing. Where a test asks for
// it, every other request of service accounts too: the proof of which rights somebody uses.

/** One answered write. */
export interface Write {
  /** "system:serviceaccount:kube-system:statefulset-controller" */
  readonly user: string;
  readonly userAgent: string;
  readonly verb: 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';
  /** "" for the core group. */
  readonly group: string;
  /** "statefulsets" */
  readonly resource: string;
  /** "status", "scale", "eviction", …; "" for the object itself. */
  readonly subresource: string;
  /** "" for what has no namespace. */
  readonly namespace: string;
  /** "" where the server picks it, and for a whole collection. */
  readonly name: string;
  readonly dryRun: boolean;
  /** HTTP status of the answer; 400 and above wrote nothing. */
  readonly code: number;
  /** Whether its roles let the user ask that; a refusal for another reason (a namespace on its way out) has the same code. */
  readonly authorized: boolean;
  /** When it was answered, milliseconds since the epoch. */
  readonly atMs: number;
}

export const AUDIT_POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    verbs: [create, update, patch, delete, deletecollection]
  - level: None
`;

/** Any answered request: reads have the verbs of RBAC (get, list, watch). */
export type Request = Omit<Write, 'verb'> & { readonly verb: string };

/** With every request of the service accounts of these namespaces. */
export function auditPolicyWithRequestsOf(namespaces: readonly string[]): string {
  const groups = namespaces.map((namespace) => `system:serviceaccounts:${namespace}`);
  return AUDIT_POLICY.replace('rules:\n', `rules:\n  - level: Metadata\n    userGroups: ${JSON.stringify(groups)}\n`);
}

interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly userAgent?: string;
  readonly objectRef?: { readonly resource?: string; readonly apiGroup?: string; readonly subresource?: string; readonly namespace?: string; readonly name?: string };
  readonly responseStatus?: { readonly code?: number };
  readonly annotations?: Readonly<Record<string, string>>;
  readonly stageTimestamp: string;
}

export function parseAuditLog(text: string): Write[] {
  return eventsIn(text)
    .filter(({ stage }) => stage === 'ResponseComplete')
    .map(toRequest)
    .filter(isWrite);
}

/** Reads among them, as far as the policy has them logged; a watch as soon as it is open, and once more when it ends. */
export function parseRequests(text: string): Request[] {
  return eventsIn(text).map(toRequest);
}

function eventsIn(text: string): AuditEvent[] {
  // The last line may still be in the making.
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  return complete
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ objectRef }) => objectRef);
}

const WRITES: ReadonlySet<string> = new Set<Write['verb']>(['create', 'update', 'patch', 'delete', 'deletecollection']);

function isWrite(request: Request): request is Write {
  return WRITES.has(request.verb);
}

function toRequest({ user, userAgent = '', verb, objectRef = {}, requestURI, responseStatus, annotations, stageTimestamp }: AuditEvent): Request {
  const { apiGroup: group = '', resource = '', subresource = '', namespace = '', name = '' } = objectRef;
  const dryRun = new URLSearchParams(requestURI.split('?')[1]).has('dryRun');
  const code = responseStatus?.code ?? 0;
  const authorized = annotations?.['authorization.k8s.io/decision'] !== 'forbid';
  return { user: user.username, userAgent, verb, group, resource, subresource, namespace, name, dryRun, code, authorized, atMs: Date.parse(stageTimestamp) };
}
