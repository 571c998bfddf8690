import { defineConfig } from 'vitest/config';

const onTheRealControlPlane = { testTimeout: 240_000, hookTimeout: 1_500_000, pool: 'forks' } as const;
/** Whether every review is answered in time is asked of a machine that does nothing else. */
const ENDURANCE = 'test/admission/endurance.e2e.test.ts';

// `unit` needs nothing but npm and is `npm test`, on every core (vitest would leave one out). `e2e` and `endurance` run on the real control
// plane (Go builds it once) and are `npm run test:e2e`: they wait more than they work, so two files at once, each with one of its own.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['**/*.e2e.test.ts', '**/node_modules/**'], testTimeout: 20_000, maxWorkers: '100%' } },
      { test: { name: 'e2e', include: ['test/**/*.e2e.test.ts'], exclude: [ENDURANCE, '**/node_modules/**'], ...onTheRealControlPlane, maxWorkers: 2, sequence: { groupOrder: 1 } } },
      { test: { name: 'endurance', include: [ENDURANCE], ...onTheRealControlPlane, fileParallelism: false, sequence: { groupOrder: 2 } } },
    ],
  },
});
