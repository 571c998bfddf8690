// The cluster itself: its version, and whether its clock and ours agree.

import { ask, openAnswer } from '../../kubernetes/exchange.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Http } from '../../ports/http.ts';
import { span } from '../../standing/amounts.ts';
import { ok, problem, unknown, warning, type Check, type Finding, type Patient } from './finding.ts';

/** The first with scheduling gates, match conditions and everything else that is used, as stable features; the oldest that is tested. */
const OLDEST_MINOR = 30;
/** The `Date` header has whole seconds, and the way takes its time. */
const AGREE_WITHIN_MS = 5_000;

export const kubernetes: Check = {
  area: 'Kubernetes',
  looks: [async (patient) => [await version(patient)], (patient) => Promise.resolve([clocks(patient)])],
};

async function version({ http }: Patient): Promise<Finding> {
  const { major = '', minor = '', gitVersion = '' } = (await ask(http, { method: 'GET', path: '/version', what: 'ask for the version' })) as Record<string, string>;
  // Some providers write `30+`.
  const tooOld = Number(major) < 1 || (Number(major) === 1 && Number.parseInt(minor, 10) < OLDEST_MINOR);
  if (tooOld) return problem(`Kubernetes ${gitVersion} is too old`, `upgrade the cluster to 1.${OLDEST_MINOR} or newer: moves rest on scheduling gates and match conditions of webhooks`);
  return ok(`Kubernetes ${gitVersion}`);
}

/** See Patient.skewMs. @throws ApiUnreachable */
export async function clockSkew(http: Http, clock: Clock): Promise<number | undefined> {
  const response = await openAnswer(http, { method: 'GET', path: '/version', what: 'ask for the time' });
  for await (const piece of response.body) void piece;
  const skewMs = clock.now() - Date.parse(response.headers['date'] ?? '');
  return Number.isNaN(skewMs) ? undefined : skewMs;
}

function clocks({ skewMs }: Patient): Finding {
  if (skewMs === undefined) return unknown('the API server does not say what time it is', 'compare the clocks by hand: a wrong one spoils leases, windows and the signatures of cloud calls');
  if (Math.abs(skewMs) <= AGREE_WITHIN_MS) return ok('the clocks of the API server and of this machine agree');
  return warning(`this machine's clock is ${span(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} the API server's`, 'set it by NTP; if it is the API server that is wrong, all nodes need it: windows and retentions go by the clock, and the cloud refuses calls that are 15 minutes off');
}
