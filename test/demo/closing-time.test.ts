// Ending what was started.

import { expect, test } from 'vitest';
import { ClosingTime } from '../../src/demo/closing-time.ts';

test('what was started last ends first; one that cannot be ended keeps nobody', async () => {
  const ended: string[] = [];
  const closing = new ClosingTime();
  closing.add('first', async () => void ended.push('first'));
  closing.add('second', () => Promise.reject(new Error('stuck')));
  closing.add('third', async () => void ended.push('third'));

  expect(await closing.close()).toEqual(['second: stuck']);
  expect(ended).toEqual(['third', 'first']);
  expect(await closing.close()).toEqual([]);
});
