package plugins

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownGroup: the plugin leads a group, so that what it starts can be ended with it, and is killed when
// the thread that starts it ends.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// lowerPriority is of this thread alone, and of what it starts.
func lowerPriority(nice int) { unix.Setpriority(unix.PRIO_PROCESS, 0, nice) }

// goData is what the Go runtime counts as data before it has any: seen 125 MB with 13 MB in memory.
const goData = 256 << 20

// restrict bounds what a process, and what it starts from now on, may use. Its data, not its address
// space: Go reserves far more of that than it uses.
func restrict(pid int, l Limits) {
	for what, n := range map[int]uint64{
		unix.RLIMIT_DATA:   2*uint64(l.MemoryMB)<<20 + goData,
		unix.RLIMIT_NOFILE: uint64(l.Files),
		unix.RLIMIT_CORE:   0,
	} {
		unix.Prlimit(pid, what, &unix.Rlimit{Cur: n, Max: n}, nil)
	}
}

func killGroup(pid int) { unix.Kill(-pid, unix.SIGKILL) }

// await waits until the process has ended, and ends its group: before the dead leader is taken off,
// whose number might be another's from then on.
func await(cmd *exec.Cmd) error {
	pid := cmd.Process.Pid
	for errors.Is(unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	killGroup(pid)
	return cmd.Wait()
}

// mostRounds bounds how often it is looked for who is marked: one that forks as fast as it is killed is
// left to the limits.
const mostRounds = 20

// killMarked ends all processes with the mark in their environment, until there are none.
func killMarked(mark string) {
	for range mostRounds {
		pids := marked(mark)
		for _, pid := range pids {
			unix.Kill(pid, unix.SIGKILL)
		}
		if len(pids) == 0 {
			return
		}
	}
}

// marked are the processes with the mark. What is dead has no environment.
func marked(mark string) (pids []int) {
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range paths {
		env, err := os.ReadFile(path)
		if err != nil || !slices.Contains(strings.Split(string(env), "\x00"), mark) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// lastWill kills the group $1, and then all who have $2 in their environment.
const lastWill = `trap "" TERM INT HUP; read -r _; kill -9 "-$1"
for round in 1 2 3 4 5 6 7 8 9 10; do
	left=$(grep -lsF -- "$2" /proc/[0-9]*/environ)
	[ -n "$left" ] || exit
	for path in $left; do path=${path#/proc/}; kill -9 "${path%/environ}"; done
done`

// guard starts what kills the group, and who is marked, when this process ends without doing so: the kernel
// kills the plugin itself then, but not what it has started. A shell waits for the end of a pipe, some 100 KB;
// where there is none, the rest still holds.
func guard(pid int, mark string) (end func()) {
	r, w, err := os.Pipe()
	if err != nil {
		return func() {}
	}
	defer r.Close()
	sh := exec.Command("/bin/sh", "-c", lastWill, "hearth-guard", strconv.Itoa(pid), mark)
	sh.Stdin, sh.Env = r, []string{}
	sh.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := sh.Start(); err != nil {
		w.Close()
		return func() {}
	}
	return func() {
		sh.Process.Kill()
		sh.Wait()
		w.Close()
	}
}
