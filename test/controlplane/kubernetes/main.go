// One binary that is a whole Kubernetes control plane: the name it is called by, or else its first argument, picks the program.
// Built as one because the programs share nearly all of their code: five binaries would take five times the disk and far longer to link.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
	_ "time/tzdata"

	"go.etcd.io/etcd/server/v3/etcdmain"
	_ "k8s.io/client-go/plugin/pkg/client/auth"
	"k8s.io/component-base/cli"
	"k8s.io/component-base/logs"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// endWithStdin makes the program end when its standard input does. The starter holds the other end of that pipe, so whatever ends
// the starter, kill -9 included, ends its programs, on every operating system.
const endWithStdin = "CONTROLPLANE_END_WITH_STDIN"

// removeAtEnd names a folder that goes when the program ends because its starter did (see endWithStdin).
const removeAtEnd = "CONTROLPLANE_REMOVE_AT_END"

// An unfinished removal is retried this often: the other programs may still write for a moment while they end.
const (
	removalAttempts = 20
	removalPause    = 50 * time.Millisecond
)

// programs return their exit code; they read os.Args, from which the program's own name has been taken.
var programs = map[string]func() int{
	"etcd":                    func() int { etcdmain.Main(os.Args); return 0 },
	"kube-apiserver":          func() int { return cli.Run(apiserver.NewAPIServerCommand()) },
	"kube-controller-manager": func() int { return cli.Run(controllermanager.NewControllerManagerCommand()) },
	"kube-scheduler":          func() int { return cli.Run(scheduler.NewSchedulerCommand()) },
	"kubectl":                 kubectl,
	"supervise":               func() int { return supervise(os.Args[1:]) },
}

func main() {
	program := filepath.Base(os.Args[0])
	if _, known := programs[program]; !known {
		if len(os.Args) < 2 || programs[os.Args[1]] == nil {
			fmt.Fprintf(os.Stderr, "The first argument names the program to be: %s.\n", strings.Join(names(), ", "))
			os.Exit(2)
		}
		program = os.Args[1]
		os.Args = append([]string{program}, os.Args[2:]...)
	}
	// supervise passes the end of its standard input on to its child, in its own way.
	if os.Getenv(endWithStdin) != "" && program != "supervise" {
		go func() {
			awaitEndOfStdin()
			removeFolder()
			os.Exit(1)
		}()
	}
	os.Exit(programs[program]())
}

func names() []string {
	found := []string{}
	for name := range programs {
		found = append(found, name)
	}
	sort.Strings(found)
	return found
}

func awaitEndOfStdin() {
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func removeFolder() {
	folder := os.Getenv(removeAtEnd)
	if folder == "" {
		return
	}
	for range removalAttempts {
		err := os.RemoveAll(folder)
		_, gone := os.Stat(folder)
		if err == nil && os.IsNotExist(gone) {
			return
		}
		time.Sleep(removalPause)
	}
	fmt.Fprintf(os.Stderr, "The folder %s could not be removed.\n", folder)
}

// kubectl is the command's own main function, which cannot be imported.
func kubectl() int {
	_, _ = logs.GlogSetter(cmd.GetLogVerbosity(os.Args))
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
	return 0
}
