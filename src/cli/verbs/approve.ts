// `zonespread approve`: lets the plan of a set in mode `plan` run: the very list that was shown, by its digest.

import type { Command } from 'commander';
import { policyOf } from '../../controller/decision.ts';
import type { ReportedPlan } from '../../controller/spread-report.ts';
import { namespaces, type StatefulSet } from '../../kubernetes/objects.ts';
import { isConflict } from '../../kubernetes/refusals.ts';
import { keyOf } from '../../policy/annotations.ts';
import { blocked, failed, wrongUsage } from '../exit.ts';
import { findSet, setNameFrom } from '../names.ts';
import { costWords } from '../../standing/plans.ts';
import { digestLines, planLines } from '../rendering/plan-lines.ts';
import { indented } from '../rendering/table.ts';
import { EMPTY, line, piece } from '../rendering/text.ts';
import { annotateSet } from '../set-annotations.ts';
import { addClusterFlags, addDryRunFlag, addExamples, withCluster, type ClusterFlags, type Session } from '../session.ts';
import type { Surroundings } from '../surroundings.ts';
import { reportOf } from './plan.ts';

interface ApproveFlags extends ClusterFlags {
  digest?: string;
  yes?: boolean;
  dryRun?: true;
}

export function addApproveVerb(program: Command, around: Surroundings): void {
  const command = addDryRunFlag(addClusterFlags(program.command('approve').argument('<set>', 'StatefulSet with zonespread.io/mode "plan"')))
    .description('let the plan of a set run, by its digest: whatever is not on that list needs another approval')
    .option('--digest <digest>', 'approve this plan and no other; the first eight digits or more')
    .option('-y, --yes', 'do not ask')
    .action((set: string, flags: ApproveFlags) => withCluster(around, flags, (session) => approve(session, setNameFrom(set), flags)));
  addExamples(command, around.calledAs, [
    ['approve web', 'shows the plan of web and asks'],
    ['approve web --digest 3f2a9c81', 'the plan that was looked at before, and only that'],
    ['approve web --yes --dry-run', 'what would be written, by the API server and its webhooks'],
  ]);
}

async function approve(session: Session, name: string, flags: ApproveFlags): Promise<void> {
  const { api, namespace, show, around } = session;
  requireSomebodyToAsk(session, flags);
  const set = await findSet(api, namespace, name);
  const report = await reportOf({ api, namespace }, name);
  const plan = report.status?.plan;
  if (plan === undefined) throw blocked(`there is no plan of ${namespace}/${name}: ${report.status?.state ?? 'the controller has not made one'}`);
  if (plan.total === 0) return show.tell(`${namespace}/${name} has nothing to move: there is nothing to approve.`);
  await requireModePlan(session, set);
  requireDigest(plan, flags.digest);
  show.screen.say(line(piece(`${namespace}/${name}`, 'strong'), `   ${costWords(plan)}`), EMPTY, ...indented([...planLines(name, plan, show.columns - 2), EMPTY, ...digestLines(plan, report.status?.approved?.digest)], 2), EMPTY);
  await requireConsent(session, flags);
  await requireSamePlan(session, name, plan);
  await write(session, { set: await asItIsNow(session, set), plan, dryRun: flags.dryRun === true });
  const done = flags.dryRun === true ? 'would be approved (server dry run)' : 'is approved';
  show.tell(`The plan ${plan.digest.slice(0, 12)} of ${namespace}/${name} ${done}. It begins when nothing holds it; to follow: ${around.calledAs} status ${name} -n ${namespace} --watch`);
}

/** In the other modes an approval would lie around until it is a surprise. */
async function requireModePlan({ api, namespace }: Session, set: StatefulSet): Promise<void> {
  const declared = policyOf(set, await api.get(namespaces, { name: namespace }));
  const name = `${namespace}/${set.metadata.name}`;
  if (declared.kind === 'invalid') throw blocked(`the policy of ${name} is wrong: ${declared.problems.map(({ message }) => message).join(' ')}`);
  const mode = declared.kind === 'off' ? 'off (no zonespread.io/zones)' : declared.policy.mode;
  if (mode === 'plan') return;
  throw blocked(`${name} needs no approval: its mode is ${mode}${mode === 'auto' ? ', moves start by themselves' : ', nothing moves'}. To have plans approved: kubectl annotate statefulset ${set.metadata.name} -n ${namespace} --overwrite zonespread.io/mode=plan`);
}

const SHORTEST_DIGEST = 8;

function requireDigest({ digest }: ReportedPlan, wanted: string | undefined): void {
  if (wanted === undefined) return;
  if (wanted.length < SHORTEST_DIGEST) throw wrongUsage(`--digest "${wanted}" is too short to mean one plan: ${SHORTEST_DIGEST} digits or more`);
  if (!digest.startsWith(wanted.toLowerCase())) throw blocked(`the plan is another one by now: its digest is ${digest}, not ${wanted}. Look at it again: zonespread plan`);
}

/** Whoever names the digest has looked at the plan. */
function isDecided({ yes = false, digest }: ApproveFlags): boolean {
  return yes || digest !== undefined;
}

function requireSomebodyToAsk({ around }: Session, flags: ApproveFlags): void {
  if (around.ask === undefined && !isDecided(flags)) throw wrongUsage('nobody is there to be asked: say --digest <digest> of the plan that was looked at, or --yes');
}

async function requireConsent({ around }: Session, flags: ApproveFlags): Promise<void> {
  if (around.ask === undefined || isDecided(flags)) return;
  const answer = (await around.ask('Approve it? [y/N] ')).trim().toLowerCase();
  if (answer !== 'y' && answer !== 'yes') throw failed('not approved; nothing was written');
}

/** While a person was reading, the cluster went on. */
async function requireSamePlan({ api, namespace }: Session, name: string, shown: ReportedPlan): Promise<void> {
  const now = (await reportOf({ api, namespace }, name)).status?.plan;
  if (now?.digest !== shown.digest) throw blocked(`the plan has changed meanwhile: its digest is ${now?.digest ?? 'gone'} now. Nothing was written; look at it again: zonespread plan ${name} -n ${namespace}`);
}

/** A person reads for a while, and the set's status goes on changing; that it is the same set is what matters. */
async function asItIsNow({ api, namespace }: Session, shown: StatefulSet): Promise<StatefulSet> {
  const now = await findSet(api, namespace, shown.metadata.name);
  if (now.metadata.uid !== shown.metadata.uid) throw blocked(`StatefulSet ${namespace}/${shown.metadata.name} was deleted and made anew meanwhile; nothing was written`);
  return now;
}

async function write(session: Session, { set, plan, dryRun }: { set: StatefulSet; plan: ReportedPlan; dryRun: boolean }): Promise<void> {
  try {
    await annotateSet(session.api, set, { [keyOf('approve')]: plan.digest }, { dryRun });
  } catch (error) {
    if (isConflict(error)) throw blocked(`StatefulSet ${set.metadata.name} was changed meanwhile; nothing was written. Look at the plan again, and approve it then`);
    throw error;
  }
}
