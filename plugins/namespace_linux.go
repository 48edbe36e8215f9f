package plugins

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// namespaces tries by which flags a plugin gets a namespace of its own for its processes: when the first of them
// ends, the kernel kills all others, whatever they have done to get away. Zero, and why, where the kernel or a
// container refuses.
func namespaces() (flags uintptr, why error) {
	for _, flags = range []uintptr{unix.CLONE_NEWPID, unix.CLONE_NEWPID | unix.CLONE_NEWUSER} { // the first is root's
		sh := exec.Command("/bin/sh", "-c", "[ $$ = 1 ]")
		sh.SysProcAttr = into(flags, &syscall.SysProcAttr{})
		if why = sh.Run(); why == nil {
			return flags, nil
		}
	}
	return 0, why
}

// into has a process start in new namespaces; whose user is who it was.
func into(flags uintptr, a *syscall.SysProcAttr) *syscall.SysProcAttr {
	if a.Cloneflags = flags; flags&unix.CLONE_NEWUSER != 0 {
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
	}
	return a
}

// first is the script of a namespace's first process, which runs the plugin, $0, as its child: the first has no
// signals that it does not handle, not even its own SIGKILL, and inherits orphans that it has to take off. It begins
// at a line, when its limits are set, and not at all when this process is gone.
const first = `read -r _ || exit
"$0"
exit $?`

// nest has the command run in a namespace of its own.
func nest(cmd *exec.Cmd, flags uintptr) {
	cmd.Path, cmd.Args = "/bin/sh", []string{"sh", "-c", first, cmd.Path}
	cmd.SysProcAttr = into(flags, cmd.SysProcAttr)
}

// whole is how the plugin itself ended: of one that was killed the shell says 128 and the signal.
func whole(err error) error {
	const signalled = 128
	if x, ok := errors.AsType[*exec.ExitError](err); ok && x.ExitCode() > signalled && unix.SignalName(syscall.Signal(x.ExitCode()-signalled)) != "" {
		return fmt.Errorf("signal: %v", syscall.Signal(x.ExitCode()-signalled))
	}
	return err
}

// checkProgram refuses what the kernel does not run: a shell would take it for a script.
func checkProgram(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	start := make([]byte, 4)
	if n, _ := f.Read(start); !bytes.HasPrefix(start[:n], []byte("\x7fELF")) && !bytes.HasPrefix(start[:n], []byte("#!")) {
		return errors.New("it is neither a program of this system (ELF) nor a script with a first line that says what runs it (#!)")
	}
	return nil
}
