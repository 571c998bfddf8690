import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/observability/log.ts';
import { FakeClock } from '../fakes/clock.ts';

function listen(options: Parameters<typeof createLog>[0] = {}): { log: ReturnType<typeof createLog>; lines: () => Record<string, unknown>[] } {
  const written: string[] = [];
  const log = createLog({ clock: new FakeClock(), destination: { write: (line: string) => written.push(line) }, ...options });
  return { log, lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('the log', () => {
  it('writes a line of JSON with time, level, message and fields', () => {
    const { log, lines } = listen({ fields: { component: 'controller' } });
    log.child({ namespace: 'shop' }).child({ statefulset: 'web' }).info('planned', { moves: 4 });
    expect(lines()).toEqual([{ level: 'info', time: '2026-01-01T00:00:00.000Z', component: 'controller', namespace: 'shop', statefulset: 'web', moves: 4, message: 'planned' }]);
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = listen({ level: 'warn' });
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    expect(lines().map((line) => line.level)).toEqual(['warn', 'error']);
  });

  it('writes errors with their stack and causes, and no credentials', () => {
    const { log, lines } = listen();
    log.error('failed', { error: new Error('outer', { cause: new Error('inner') }), request: { headers: { authorization: 'Bearer secret' } }, credentials: { accessKeySecret: 'secret' } });
    const [line] = lines();
    expect(line).toMatchObject({ error: { message: 'outer', cause: { message: 'inner' } } });
    expect((line!.error as { stack: string }).stack).toContain('log.test.ts');
    expect(JSON.stringify(line)).not.toContain('secret"');
  });
});
