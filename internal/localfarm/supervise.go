package localfarm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

const (
	restartPause    = 100 * time.Millisecond // after a server that had been ready
	maxRestartPause = 10 * time.Second       // doubled up to this after servers that had not
	startAttempts   = 3                      // before a start is given up
	maxLog          = 16 << 20               // a longer log is put aside at the next start
)

// server supervises one leaf's process.
type server struct {
	Leaf
	farm *Farm
	id   identity

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced whenever a field below changes
	want     bool          // it should run
	closing  bool          // the supervisor should end
	process  *os.Process   // nil while it does not run
	ready    bool          // it accepts connections
	failures int           // processes in a row that ended before they were ready
	last     error         // why the last of those ended
	starts   int           // processes started
}

// update changes the state and wakes all who wait for it.
func (s *server) update(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

// await waits until done, called with the state locked, says so.
func (s *server) await(ctx context.Context, done func() (bool, error)) error {
	for {
		s.mu.Lock()
		ok, err := done()
		changed := s.changed
		s.mu.Unlock()
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

// awaitReady waits until the server accepts connections. attempts > 0 gives up after that many processes in a row that did not.
func (s *server) awaitReady(ctx context.Context, attempts int) error {
	err := s.await(ctx, func() (bool, error) {
		switch {
		case s.closing:
			return false, ErrClosed
		case s.ready:
			return true, nil
		case attempts > 0 && s.failures >= attempts:
			return false, s.last
		}
		return false, nil
	})
	if err != nil && errors.Is(err, ctx.Err()) {
		return fmt.Errorf("waiting for %s: %w", s.Name, err)
	}
	return err
}

// HoldFile keeps a server that has ended from being started again, for as long as a file of that name is in its directory: to see what a cluster does
// without it.
const HoldFile = "hold"

// holdLook is how often the file is looked for.
const holdLook = 100 * time.Millisecond

// supervise runs the server whenever it is wanted, until the farm is closed.
func (s *server) supervise() {
	// The kernel ties a child's life to the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		var closing bool
		// Without a deadline the wait ends only by the state.
		_ = s.await(context.Background(), func() (bool, error) {
			closing = s.closing
			return closing || s.want, nil
		})
		if closing {
			return
		}
		if exists(filepath.Join(s.Dir, HoldFile)) {
			ctx, cancel := context.WithTimeout(context.Background(), holdLook)
			_ = s.await(ctx, func() (bool, error) { return s.closing, nil })
			cancel()
			continue
		}
		err := s.runOnce()
		s.mu.Lock()
		wanted, failures := s.want, s.failures
		s.mu.Unlock()
		if !wanted {
			continue
		}
		pause := restartPause
		for range failures {
			pause = min(2*pause, maxRestartPause)
		}
		s.farm.log.Warn("MariaDB server ended, starting it again", "leaf", s.Name, "pause", pause, "error", err)
		ctx, cancel := context.WithTimeout(context.Background(), pause)
		_ = s.await(ctx, func() (bool, error) { return !s.want || s.closing, nil })
		cancel()
	}
}

// runOnce starts the server and waits for its end.
func (s *server) runOnce() error {
	log, offset, err := s.openLog()
	if err != nil {
		return s.failed(&StartError{Leaf: s.Name, Exit: err.Error(), Log: s.Log})
	}
	defer log.Close()
	args := []string{"--defaults-file=" + filepath.Join(s.Dir, "my.cnf")}
	first := s.firstStart()
	if first {
		args = append(args, "--init-file="+s.initFile())
	}
	if os.Geteuid() == 0 && s.id.uid == 0 {
		args = append(args, "--user=root")
	}
	dropped, again, err := repairLinks(filepath.Join(s.Dir, "data"), s.id)
	if err != nil {
		return s.failed(&StartError{Leaf: s.Name, Exit: "its replication could not be checked: " + err.Error(), Log: s.Log})
	}
	if len(dropped) > 0 {
		s.farm.log.Warn("files of replication connections were cut off, the connections are removed", "leaf", s.Name, "connections", dropped)
	}
	if len(again) > 0 {
		s.farm.log.Info("relay logs were left half removed, they are received again", "leaf", s.Name, "connections", again)
	}
	cmd := exec.Command(s.farm.bin.server, args...)
	cmd.Dir = s.Dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET=") // systemd's notices are not the server's to give
	cmd.SysProcAttr = attributes(s.id)
	os.Remove(s.Socket) // of a server that was killed
	if err := cmd.Start(); err != nil {
		return s.failed(&StartError{Leaf: s.Name, Exit: err.Error(), Log: s.Log})
	}
	var wanted bool
	s.update(func() {
		s.process = cmd.Process
		s.starts++
		wanted = s.want
	})
	if !wanted { // it was stopped before there was a process to signal
		_ = cmd.Process.Kill()
	}

	probing, stop := context.WithCancel(context.Background())
	probed := make(chan struct{})
	go func() {
		defer close(probed)
		s.probe(probing, first)
	}()
	err = cmd.Wait()
	stop()
	<-probed

	exit := cmd.ProcessState.String()
	var wasReady bool
	s.update(func() {
		s.process = nil
		wasReady, s.ready = s.ready, false
		wanted = s.want
	})
	switch {
	case !wanted:
		return nil
	case !wasReady:
		return s.failed(&StartError{Leaf: s.Name, Exit: exit, Log: s.Log, Tail: tail(s.Log, offset)})
	}
	s.update(func() { s.failures = 0 })
	if err == nil {
		err = errors.New(exit)
	}
	return err
}

func (s *server) failed(err *StartError) error {
	s.update(func() {
		s.failures++
		s.last = err
	})
	return err
}

func (s *server) initFile() string { return filepath.Join(s.Dir, "init.sql") }

// firstStart says whether the leaf's accounts have yet to be made.
func (s *server) firstStart() bool {
	_, err := os.Stat(s.initFile())
	return err == nil
}

// probe marks the server ready once it greets. It asks at the socket: a stranger may listen on the port, and a handshake cut off there
// would count against the host.
func (s *server) probe(ctx context.Context, first bool) {
	for ctx.Err() == nil {
		if greets(ctx, s.Socket) {
			if first && !s.born() {
				return
			}
			s.update(func() {
				s.ready = true
				s.failures = 0
			})
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(15 * time.Millisecond):
		}
	}
}

// born checks that the first start's script ran to its end, which is where it makes a database: MariaDB goes on when the script fails.
func (s *server) born() bool {
	_, err := os.Stat(filepath.Join(s.Dir, "data", "orbweaver"))
	if err == nil {
		err = os.Remove(s.initFile())
	}
	if err == nil {
		return true
	}
	s.farm.log.Error("making the accounts of a new leaf failed", "leaf", s.Name, "error", err)
	s.signal(os.Kill)
	return false
}

// greets says whether a MariaDB server sends its greeting at the socket.
func greets(ctx context.Context, socket string) bool {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return false
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return false
	}
	var head [5]byte // length, sequence, protocol version
	_, err = io.ReadFull(c, head[:])
	return err == nil && head[4] == 10
}

// signal sends a signal to the process, if there is one. A process that ended meanwhile is as good as signalled.
func (s *server) signal(sig os.Signal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return false
	}
	return s.process.Signal(sig) == nil
}

// shutdown ends the server and keeps it down: asked first, killed when that takes longer than patience.
func (s *server) shutdown(ctx context.Context, patience time.Duration) error {
	s.update(func() { s.want = false })
	gone := func() (bool, error) { return s.process == nil, nil }
	if patience > 0 {
		s.signal(sigCont)
		s.signal(sigTerm)
		wait, cancel := context.WithTimeout(ctx, patience)
		err := s.await(wait, gone)
		cancel()
		if err == nil {
			return nil
		}
		s.farm.log.Warn("MariaDB server does not shut down, killing it", "leaf", s.Name)
	}
	s.signal(os.Kill)
	return s.await(ctx, gone)
}

// openLog opens the server's log for appending, and says where the new part starts.
func (s *server) openLog() (*os.File, int64, error) {
	if st, err := os.Stat(s.Log); err == nil && st.Size() > maxLog {
		if err := os.Rename(s.Log, s.Log+".1"); err != nil {
			return nil, 0, err
		}
	}
	f, err := os.OpenFile(s.Log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, 0, err
	}
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, st.Size(), own(s.Log, s.id)
}

// tail is what a server had to say about its end: errors if there are any, else its last lines.
func tail(path string, offset int64) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return ""
	}
	var all, bad []string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		all = append(all, sc.Text())
		if strings.Contains(sc.Text(), "[ERROR]") || strings.HasPrefix(sc.Text(), "ERROR") {
			bad = append(bad, sc.Text())
		}
	}
	if len(bad) > 0 {
		all = bad
	}
	return strings.Join(all[max(0, len(all)-8):], "\n")
}
