// What a rehearsal says of a refusal is written into the record, where each new word is a write: it must be the same every time.

import { expect, it } from 'vitest';
import { claims, resourceQuotas, volumes } from '../../src/kubernetes/objects.ts';
import type { OrdinalMigrationStatus } from '../../src/migration/record.ts';
import { NAMESPACE } from '../builders/kubernetes.ts';
import { refusal, type ApiCall } from '../fakes/api.ts';
import { atRest } from './expectations.ts';
import { readyStage, type Stage } from './stage.ts';

/** The server names the object that it refuses, and every probe has a name of its own. */
const no = (message: string) => (call: ApiCall, proceed: () => Promise<unknown>): Promise<unknown> => (call.options.dryRun === true ? Promise.reject(refusal(call, { status: 403, reason: 'Forbidden', message: `"${call.ref.name}" is forbidden: ${message}` })) : proceed());

const REFUSALS: Record<string, (stage: Stage) => void> = {
  'of a claim': ({ api }) => void api.on('create', claims, no('a policy says no')),
  'of a PV': ({ api }) => void api.on('create', volumes, no('a policy says no')),
  'of a claim by a quota that is over its limit already': ({ api }) => {
    api.put(resourceQuotas, { metadata: { namespace: NAMESPACE, name: 'few' }, spec: { hard: { persistentvolumeclaims: '1' } }, status: { hard: { persistentvolumeclaims: '1' }, used: { persistentvolumeclaims: '2' } } });
    api.on('create', claims, no('exceeded quota: few'));
  },
};

it.each(Object.entries(REFUSALS))('a refusal %s is written once, and ends the move when it lasts', async (_what, arrange) => {
  const stage = await readyStage();
  arrange(stage);
  await stage.plan();
  expect((await stage.run('web-0-first', atRest)).status?.phase).toBe('Failed');
  const said = stage.api.writes.map(({ body }) => (body as { status?: OrdinalMigrationStatus }).status).filter((status) => status?.message !== undefined && status.message !== null && status.phase === undefined);
  expect(said).toHaveLength(1);
  expect(said[0]?.message).toContain('data-web-0');
});
