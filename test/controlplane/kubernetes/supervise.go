// Runs a program that is not ours to change, and never lets it outlive us.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// supervise runs a program that is not ours to change (a CSI sidecar) and ends it when our standard input ends: see endWithStdin.
// Signals go through to it, its exit code is ours. Should the supervisor itself be killed, Linux kills the program.
func supervise(command []string) int {
	if len(command) == 0 {
		fmt.Fprintln(os.Stderr, "supervise needs the program to run, and its arguments.")
		return 2
	}
	child := exec.Command(command[0], command[1:]...)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	endWithParent(child)

	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	if err := child.Start(); err != nil {
		fmt.Fprintf(os.Stderr, "%s does not start: %v\n", command[0], err)
		return 127
	}
	go func() {
		for received := range signals {
			_ = child.Process.Signal(received)
		}
	}()
	go func() {
		awaitEndOfStdin()
		_ = child.Process.Kill()
	}()

	var exit *exec.ExitError
	switch err := child.Wait(); {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode()
	default:
		return 1
	}
}
