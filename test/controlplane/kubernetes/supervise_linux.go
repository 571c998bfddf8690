package main

import (
	"os/exec"
	"runtime"
	"syscall"
)

// endWithParent has the kernel kill the child when the thread that started it ends, so that thread must live as long as we do.
func endWithParent(child *exec.Cmd) {
	runtime.LockOSThread()
	child.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
