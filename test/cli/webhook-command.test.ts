import { describe, expect, it } from 'vitest';
import { addWebhookCommand, type WebhookFlags } from '../../src/cli/webhook-command.ts';
import { parsed } from './command-line.ts';

const webhook = (args: string[], environment: Record<string, string> = {}) => parsed<WebhookFlags>(addWebhookCommand, ['webhook', ...args], environment);

describe('zonespread webhook', () => {
  it('has the defaults of the contract', () => {
    expect(webhook([]).flags).toEqual({ http: { port: 8080 }, https: { port: 9443 }, certificates: 'self', service: 'zonespread-webhook', register: true, logLevel: 'info' });
  });

  it.each<[string, string, keyof WebhookFlags, unknown]>([
    ['--kubeconfig', 'file', 'kubeconfig', 'file'],
    ['--namespaces', 'shop,db', 'namespaces', ['shop', 'db']],
    ['--http', '8081', 'http', { port: 8081 }],
    ['--https', '[::1]:9444', 'https', { host: '::1', port: 9444 }],
    ['--certificates', '/certs', 'certificates', '/certs'],
    ['--service', 'hook', 'service', 'hook'],
    ['--url', 'https://127.0.0.1:9443', 'url', 'https://127.0.0.1:9443'],
    ['--register', 'false', 'register', false],
    ['--owner', 'zonespread-webhook', 'owner', 'zonespread-webhook'],
    ['--controller-user', 'alice', 'controllerUser', 'alice'],
    ['--lease-namespace', 'ns', 'leaseNamespace', 'ns'],
    ['--log-level', 'warn', 'logLevel', 'warn'],
  ])('reads %s, also from its environment variable', (name, text, key, value) => {
    expect(webhook([`${name}=${text}`]).flags?.[key]).toEqual(value);
    expect(webhook([], { [name.slice(2).replaceAll('-', '_').toUpperCase()]: text }).flags?.[key]).toEqual(value);
  });
});
