// Chance with a seed, for tests: the simulation's own.

export { SeededRandom } from '../../src/simulation/seeded-random.ts';
