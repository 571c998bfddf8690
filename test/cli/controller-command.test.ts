import { describe, expect, it } from 'vitest';
import { addControllerCommand, type ControllerFlags } from '../../src/cli/controller-command.ts';
import { parsed } from './command-line.ts';

const controller = (args: string[], environment: Record<string, string> = {}) => parsed<ControllerFlags>(addControllerCommand, ['controller', ...args], environment);

describe('zonespread controller', () => {
  it('has the defaults of the contract', () => {
    expect(controller([]).flags).toEqual({
      disks: 'alicloud',
      sweep: '*/5 * * * *',
      maxMigrations: 2,
      coolDown: 3_600_000,
      stepTimeout: 600_000,
      http: { port: 8080 },
      reserve: true,
      prepull: false,
      pauseImage: 'registry.k8s.io/pause:3.10',
      leaderElect: true,
      leaseDuration: 15_000,
      renewDeadline: 10_000,
      retryPeriod: 2_000,
      dryRun: false,
      logLevel: 'info',
    });
  });

  it.each<[string, string, keyof ControllerFlags, unknown]>([
    ['--kubeconfig', 'file', 'kubeconfig', 'file'],
    ['--disks', 'alicloud', 'disks', 'alicloud'],
    ['--region', 'cn-beijing', 'region', 'cn-beijing'],
    ['--ecs-endpoint', 'ecs.example.com', 'ecsEndpoint', 'ecs.example.com'],
    ['--ecs-protocol', 'HTTP', 'ecsProtocol', 'HTTP'],
    ['--sweep', '*/10 * * * * *', 'sweep', '*/10 * * * * *'],
    ['--max-migrations', '7', 'maxMigrations', 7],
    ['--max-migrations', '0', 'maxMigrations', 0],
    ['--max-migrations-per-hour', '3', 'maxMigrationsPerHour', 3],
    ['--max-migrations-per-zone', '1', 'maxMigrationsPerZone', 1],
    ['--cool-down', '1h30m', 'coolDown', 5_400_000],
    ['--step-timeout', '90s', 'stepTimeout', 90_000],
    ['--namespaces', 'shop, db,shop', 'namespaces', ['shop', 'db']],
    ['--http', '127.0.0.1:9000', 'http', { host: '127.0.0.1', port: 9000 }],
    ['--prometheus', 'http://p', 'prometheus', 'http://p'],
    ['--reserve', 'false', 'reserve', false],
    ['--prepull', 'true', 'prepull', true],
    ['--pause-image', 'mirror.example.com/pause:3', 'pauseImage', 'mirror.example.com/pause:3'],
    ['--await-autoscaler', '15m', 'awaitAutoscaler', 900_000],
    ['--leader-elect', 'false', 'leaderElect', false],
    ['--lease-namespace', 'ns', 'leaseNamespace', 'ns'],
    ['--lease-duration', '30s', 'leaseDuration', 30_000],
    ['--renew-deadline', '20s', 'renewDeadline', 20_000],
    ['--retry-period', '4s', 'retryPeriod', 4_000],
    ['--dry-run', 'true', 'dryRun', true],
    ['--log-level', 'debug', 'logLevel', 'debug'],
  ])('reads %s, also from its environment variable', (name, text, key, value) => {
    expect(controller([`${name}=${text}`]).flags?.[key]).toEqual(value);
    const variable = name.slice(2).replaceAll('-', '_').toUpperCase();
    expect(controller([], { [variable]: text }).flags?.[key]).toEqual(value);
  });

  it('lets the flag win over its variable', () => {
    expect(controller(['--max-migrations', '5'], { MAX_MIGRATIONS: '9' }).flags?.maxMigrations).toBe(5);
  });

  it('takes a switch without a value for true', () => {
    expect(controller(['--dry-run', '--max-migrations', '3']).flags).toMatchObject({ dryRun: true, maxMigrations: 3 });
    expect(controller([], { DRY_RUN: '' }).flags?.dryRun).toBe(true);
  });

  it.each<[string, string, RegExp]>([
    ['--disks', 'aws', /"aws" is not allowed: alicloud/],
    ['--ecs-protocol', 'ftp', /"ftp" is not allowed: HTTPS, HTTP/],
    ['--sweep', 'hourly', /"hourly" is no cron expression: five fields/],
    ['--max-migrations', '-1', /"-1" is not allowed: a whole number from 0 up/],
    ['--max-migrations-per-hour', '0', /"0" is not allowed: a whole number from 1 up/],
    ['--max-migrations', '1.5', /whole number/],
    ['--max-migrations-per-hour', 'many', /whole number/],
    ['--max-migrations-per-zone', '-1', /whole number/],
    ['--cool-down', '1 hour', /"1 hour" is not allowed: it is not a duration/],
    ['--await-autoscaler', '0s', /"0s" is not allowed: longer than nothing/],
    ['--step-timeout', '0s', /"0s" is not allowed: longer than nothing/],
    ['--namespaces', '', /leave the flag \(and its variable\) out for all namespaces/],
    ['--namespaces', 'shop,,db', /"" is no name of a namespace/],
    ['--namespaces', 'Shop', /"Shop" is no name of a namespace/],
    ['--http', 'here', /"here" is no address. Allowed: host:port, :port or port/],
    ['--http', ':70000', /no address/],
    ['--leader-elect', 'maybe', /"maybe" is not allowed: true or false/],
    ['--log-level', 'loud', /debug, info, warn, error/],
    ['--nonsense', 'x', /unknown option/],
  ])('refuses %s=%s and says what is allowed', (name, text, message) => {
    expect(controller([`${name}=${text}`]).error).toMatch(message);
  });

  it('refuses a wrong environment variable by its name', () => {
    expect(controller([], { SWEEP: 'hourly' }).error).toMatch(/ZONESPREAD_SWEEP.*hourly/);
  });
});
