package supervise

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	restartPause    = 100 * time.Millisecond // after a program that had been ready
	maxRestartPause = 10 * time.Second       // doubled up to this after programs that had not
	holdLook        = 100 * time.Millisecond // how often HoldFile is looked for
)

// PIDFile, in a program's directory, tells its process.
const PIDFile = "pid"

// HoldFile keeps a program that has ended from being started again, for as long as a file of that name is in its directory: to see what a cluster does
// without it.
const HoldFile = "hold"

// ErrClosed is returned for a program that has been closed.
var ErrClosed = errors.New("the program has been stopped")

// EndedError says that a program ended before it was ready.
type EndedError struct {
	Name string
	Exit string // how the process ended
}

func (e *EndedError) Error() string { return fmt.Sprintf("%s did not start: %s", e.Name, e.Exit) }

// Config says what to run.
type Config struct {
	Name string   // for people
	Args []string // the program and its arguments
	Dir  string   // its working directory
	Home string   // where PIDFile and HoldFile are; made when missing
	// Stderr gets what it says there; nil discards it.
	Stderr io.Writer
	// StopTimeout is how long it may take to end before it is killed; 0 means 20 s.
	StopTimeout time.Duration
	// Log gets what the supervisor sees; nil discards it.
	Log *slog.Logger
}

// Process is a supervised program. Its methods may be called concurrently.
type Process struct {
	c       Config
	running sync.WaitGroup // the supervisor

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced whenever a field below changes
	closing  bool
	process  *os.Process // nil while it does not run
	ready    bool
	failures int   // processes in a row that ended before they were ready
	last     error // why the last of those ended
}

// Start begins to run a program. Close ends it.
func Start(c Config) (*Process, error) {
	if c.StopTimeout == 0 {
		c.StopTimeout = 20 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(c.Home, 0o700); err != nil {
		return nil, err
	}
	p := &Process{c: c, changed: make(chan struct{})}
	p.running.Go(p.supervise)
	return p, nil
}

// AwaitReady waits until the program is ready. It gives up with *EndedError when it has ended before it was, though it is tried again.
func (p *Process) AwaitReady(ctx context.Context) error {
	err := p.await(ctx, func() (bool, error) {
		switch {
		case p.closing:
			return false, ErrClosed
		case p.ready:
			return true, nil
		case p.failures > 0:
			return false, p.last
		}
		return false, nil
	})
	if err != nil && errors.Is(err, ctx.Err()) {
		return fmt.Errorf("waiting for %s: %w", p.c.Name, err)
	}
	return err
}

// Close ends the program and waits for its end: asked first, killed when that takes longer than StopTimeout.
func (p *Process) Close() error {
	p.update(func() { p.closing = true })
	gone := func() (bool, error) { return p.process == nil, nil }
	p.signal(syscall.SIGCONT)
	p.signal(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(context.Background(), p.c.StopTimeout)
	defer cancel()
	if p.await(ctx, gone) != nil {
		p.c.Log.Warn("a program does not end, killing it", "program", p.c.Name)
		p.signal(os.Kill)
	}
	p.running.Wait()
	return nil
}

// update changes the state and wakes all who wait for it.
func (p *Process) update(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.changed)
	p.changed = make(chan struct{})
}

// await waits until done, called with the state locked, says so.
func (p *Process) await(ctx context.Context, done func() (bool, error)) error {
	for {
		p.mu.Lock()
		ok, err := done()
		changed := p.changed
		p.mu.Unlock()
		if ok || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pause waits for a while, or until the program is closed; it says whether that is so.
func (p *Process) pause(d time.Duration) (closing bool) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return p.await(ctx, func() (bool, error) { return p.closing, nil }) == nil
}

func (p *Process) signal(sig os.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.process != nil {
		_ = p.process.Signal(sig) // one that has ended meanwhile is as good as signalled
	}
}

// supervise runs the program again and again until it is closed.
func (p *Process) supervise() {
	// The kernel ties a child's life to the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for !p.pause(0) {
		if _, err := os.Stat(filepath.Join(p.c.Home, HoldFile)); err == nil {
			p.pause(holdLook)
			continue
		}
		err := p.runOnce()
		p.mu.Lock()
		closing, failures := p.closing, p.failures
		p.mu.Unlock()
		if closing {
			return
		}
		pause := restartPause
		for range failures {
			pause = min(2*pause, maxRestartPause)
		}
		p.c.Log.Warn("a program ended, starting it again", "program", p.c.Name, "pause", pause, "error", err)
		p.pause(pause)
	}
}

// runOnce starts the program and waits for its end, which is always an error.
func (p *Process) runOnce() error {
	cmd := exec.Command(p.c.Args[0], p.c.Args[1:]...)
	cmd.Dir, cmd.Stderr = p.c.Dir, p.c.Stderr
	// In a process group of its own, so that a terminal's Ctrl-C reaches only the supervisor.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	DieWithParent(cmd.SysProcAttr)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return p.ended(err.Error())
	}
	pidFile := filepath.Join(p.c.Home, PIDFile)
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(cmd.Process.Pid)+"\n"), 0o600); err != nil {
		p.c.Log.Warn("the number of a process could not be written", "program", p.c.Name, "error", err)
	}
	closing := false
	p.update(func() { p.process, closing = cmd.Process, p.closing })
	if closing { // there was no process to signal
		_ = cmd.Process.Signal(syscall.SIGTERM)
	}
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // it has ended, or closed its output
		}
		if strings.HasPrefix(line, "ready") {
			p.update(func() { p.ready, p.failures = true, 0 })
		}
	}
	_ = cmd.Wait() // how it ended is in its state
	exit := cmd.ProcessState.String()
	wasReady := false
	p.update(func() {
		p.process = nil
		wasReady, p.ready = p.ready, false
	})
	_ = os.Remove(pidFile) // stale, it would tell no more than that
	if !wasReady {
		return p.ended(exit)
	}
	return errors.New(exit)
}

func (p *Process) ended(exit string) error {
	err := &EndedError{Name: p.c.Name, Exit: exit}
	p.update(func() {
		p.failures++
		p.last = err
	})
	return err
}
