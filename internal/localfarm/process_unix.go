//go:build unix

package localfarm

import (
	"bytes"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/orbweaver/orbweaver/internal/supervise"
)

// errLocked says that another process, or another farm of this one, holds a lock.
var errLocked = errors.New("locked")

// tryLock takes the lock on a file, which is made when missing. The kernel gives it back when the process ends, however it ends.
func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, &os.PathError{Op: "lock", Path: path, Err: err}
	}
	return f, nil
}

// runAs chooses the account that the leaves below dir run as: our own; for root the one that owns the leaf already, else mysql where that
// account exists and can reach dir, else root.
func runAs(dir, leafDir string) identity {
	self := identity{os.Geteuid(), os.Getegid()}
	if self.uid != 0 {
		return self
	}
	if st, err := os.Stat(leafDir); err == nil {
		if sys, ok := st.Sys().(*syscall.Stat_t); ok {
			return identity{int(sys.Uid), int(sys.Gid)}
		}
	}
	u, err := user.Lookup("mysql")
	if err != nil {
		return self
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err1 != nil || err2 != nil {
		return self
	}
	mysql := identity{uid, gid}
	if !reachable(dir, mysql) {
		return self
	}
	return mysql
}

// reachable says whether id may pass through dir and all directories above it.
func reachable(dir string, id identity) bool {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return false
	}
	for {
		st, err := os.Stat(dir)
		if err != nil {
			return false
		}
		sys, ok := st.Sys().(*syscall.Stat_t)
		if !ok {
			return false
		}
		bit := os.FileMode(0o001)
		switch {
		case int(sys.Uid) == id.uid:
			bit = 0o100
		case int(sys.Gid) == id.gid:
			bit = 0o010
		}
		if st.Mode().Perm()&bit == 0 {
			return false
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return true
		}
		dir = parent
	}
}

// attributes start a child in a process group of its own, so that a terminal's Ctrl-C reaches only us, under the leaf's account.
func attributes(id identity) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 && id.uid != 0 {
		a.Credential = &syscall.Credential{Uid: uint32(id.uid), Gid: uint32(id.gid)}
	}
	supervise.DieWithParent(a)
	return a
}

// stopped says whether all threads of a process have stopped, or it is gone; true where the system has no /proc to tell.
func stopped(pid int) bool {
	threads, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "task/*/stat")) // the pattern is a good one
	for _, name := range threads {
		stat, err := os.ReadFile(name) // a thread that has ended has none
		if _, state, ok := bytes.Cut(stat, []byte(") ")); err == nil && ok && !bytes.HasPrefix(state, []byte("T")) {
			return false
		}
	}
	return true
}

const (
	sigStop = syscall.SIGSTOP
	sigCont = syscall.SIGCONT
	sigTerm = syscall.SIGTERM
)
