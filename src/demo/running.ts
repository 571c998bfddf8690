// A demo that runs: where it is shown, what ends it, and what there is to look at when it fails.

import type { ClosingTime } from './closing-time.ts';
import type { Screen } from '../cli/rendering/screen.ts';

export interface Running {
  screen: Screen;
  /** Whatever is started goes in here. */
  closing: ClosingTime;
  /** Aborted when somebody wants an end. */
  signal: AbortSignal;
  /** Copies what has been logged into a folder that stays, and gives its path. Set as soon as there are logs to look at. */
  keepLogs: (() => Promise<string>) | undefined;
}
