import { defineConfig } from 'vitest/config';

// Two projects: `unit` needs nothing but npm and is `npm test`; `e2e` runs on the real control plane (Go builds it once) and is `npm run test:e2e`.
export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['**/*.e2e.test.ts', '**/node_modules/**'], testTimeout: 20_000 } },
      {
        test: {
          name: 'e2e',
          include: ['test/**/*.e2e.test.ts'],
          testTimeout: 240_000,
          hookTimeout: 1_500_000,
          fileParallelism: false,
          pool: 'forks',
        },
      },
    ],
  },
});
