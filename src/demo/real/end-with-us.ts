// Loaded into a product's process before its own code (`node --import`): a kill -9 as soon as whoever started it has ended, however that
// was, so that nothing outlives a demo or a test. Its standard input is a pipe from there, which breaks then; see program.ts of the
// control plane, whose programs do the same.

const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};

process.stdin.on('end', die).on('error', die);
process.stdin.resume();
// No reason to go on when all work is done.
process.stdin.unref();
