// `npm run ecs`: the simulated ECS by itself, until it is stopped. Its disks live as long as it does.

import { parseArgs } from 'node:util';
import { systemClock } from '../../ports/clock.ts';
import { systemRandom } from '../../ports/random.ts';
import { everythingOnSale } from './categories.ts';
import { EcsModel } from './model.ts';
import { DEFAULT_ACCESS_KEY_ID, type EcsServer, startEcsServer } from './server.ts';
import { defaultTimings, type EcsTimings } from './settings.ts';

const USAGE = `Usage: npm run ecs -- [--port 0] [--region cn-simulated] [--zones a,b,c] [--instance id=zone]... [--backup-policy id]... [--timing name=milliseconds]...
Timings: ${Object.entries(defaultTimings).map(([name, ms]) => `${name}=${ms}`).join(' ')}`;

/** A wrong command line; exit code 2. */
class UsageError extends Error {}

interface Wishes {
  port: number;
  region: string;
  zones: string[];
  instances: { id: string; zone: string }[];
  backupPolicies: string[];
  timings: Partial<EcsTimings>;
}

async function main(): Promise<void> {
  if (process.argv.includes('--help')) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const wishes = readCommandLine();
  const model = new EcsModel({
    clock: systemClock,
    random: systemRandom,
    region: wishes.region,
    zones: wishes.zones.map((id) => ({ id, onSale: everythingOnSale() })),
    instances: wishes.instances,
    backupPolicies: wishes.backupPolicies,
    timings: wishes.timings,
  });
  const server = await startEcsServer({ model, port: wishes.port });
  process.stdout.write(directions(server, wishes));
  await stopRequest();
  await server.close();
}

function readCommandLine(): Wishes {
  const { values } = parse();
  const zones = (values.zones ?? 'a,b,c').split(',').filter((zone) => zone !== '');
  if (zones.length === 0) throw new UsageError('--zones needs at least one zone, e.g. --zones a,b,c');
  const instances = (values.instance ?? []).map((text) => {
    const [id, zone] = pair(text, '--instance', 'i-1=a');
    if (!zones.includes(zone)) throw new UsageError(`--instance ${text}: there is no zone "${zone}", the zones are ${zones.join(', ')}`);
    return { id, zone };
  });
  return {
    port: wholeNumber(values.port ?? '0', '--port'),
    region: values.region ?? 'cn-simulated',
    zones,
    instances,
    backupPolicies: values['backup-policy'] ?? [],
    timings: Object.fromEntries((values.timing ?? []).map(readTiming)),
  };
}

function parse() {
  try {
    return parseArgs({
      options: {
        port: { type: 'string' },
        region: { type: 'string' },
        zones: { type: 'string' },
        instance: { type: 'string', multiple: true },
        'backup-policy': { type: 'string', multiple: true },
        timing: { type: 'string', multiple: true },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readTiming(text: string): [string, number] {
  const [name, ms] = pair(text, '--timing', 'attachMs=100');
  if (!Object.hasOwn(defaultTimings, name)) throw new UsageError(`--timing ${text}: there is no timing "${name}", there are ${Object.keys(defaultTimings).join(', ')}`);
  return [name, wholeNumber(ms, `--timing ${name}`)];
}

function pair(text: string, flag: string, example: string): [string, string] {
  const [left, right, ...more] = text.split('=');
  if (left === undefined || left === '' || right === undefined || right === '' || more.length > 0) throw new UsageError(`${flag} ${text}: expected ${example}`);
  return [left, right];
}

function wholeNumber(text: string, flag: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`${flag} ${text}: expected a whole number`);
  return Number(text);
}

function directions(server: EcsServer, wishes: Wishes): string {
  return `The simulated ECS of region ${wishes.region} with zones ${wishes.zones.join(', ')} answers at ${server.endpoint}.

  export ALIBABA_CLOUD_ACCESS_KEY_ID=${DEFAULT_ACCESS_KEY_ID}
  export ALIBABA_CLOUD_ACCESS_KEY_SECRET=anything
  npm run --silent zonespread -- controller --region ${wishes.region} --ecs-endpoint ${server.endpoint} --ecs-protocol HTTP

Its back door: curl ${server.adminUrl}/state
A fault:       curl -d '{"kind":"lost","how":"timeout","action":"CreateDisk"}' ${server.adminUrl}/faults
Ctrl-C stops it and forgets everything.
`;
}

function stopRequest(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

try {
  await main();
} catch (error) {
  const wrongUsage = error instanceof UsageError;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${wrongUsage ? `${USAGE}\n` : ''}`);
  process.exitCode = wrongUsage ? 2 : 1;
}
