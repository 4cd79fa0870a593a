package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/orbweaver/orbweaver/internal/supervise"
)

// readyWithin is what a process may take until it says that it is ready: a node waits for an etcd and for leaves that are disturbed, too.
const readyWithin = 90 * time.Second

// process is a node's, which faults kill and pause. It says "ready:" when it serves.
type process struct {
	name string
	args []string // the program first
	env  []string
	log  string // a file, appended to
	// ready is told what the line said.
	ready func(line string)

	mu      sync.Mutex
	cmd     *exec.Cmd     // nil while it does not run
	serves  bool          // it has said that it is ready
	ended   chan struct{} // closed when cmd has ended
	paused  bool
	wanted  bool // it has not been ended by us
	crashes []string
}

// start runs the program until it is killed. It returns once the program is ready.
func (p *process) start() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	fmt.Fprintf(log, "--- %s start\n", time.Now().Format(clock))
	cmd := exec.Command(p.args[0], p.args[1:]...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	supervise.DieWithParent(cmd.SysProcAttr)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	ended, started := make(chan struct{}), make(chan error, 1)
	said := make(chan string, 1)
	go func() {
		// The kernel ties a child's life to the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer log.Close()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		p.mu.Lock()
		p.cmd, p.ended, p.wanted, p.serves = cmd, ended, true, false
		p.mu.Unlock()
		started <- nil
		r := bufio.NewReader(out)
		if line, err := r.ReadString('\n'); err == nil {
			said <- line
		}
		_, _ = io.Copy(log, r) // it ends with the process
		err := cmd.Wait()
		p.mu.Lock()
		if p.wanted {
			p.crashes = append(p.crashes, fmt.Sprintf("%s %s ended by itself: %v", time.Now().Format(clock), p.name, err))
		}
		p.cmd, p.serves, p.paused = nil, false, false
		p.mu.Unlock()
		close(ended)
	}()
	if err := <-started; err != nil {
		log.Close()
		return err
	}
	late := time.NewTimer(readyWithin)
	defer late.Stop()
	select {
	case line := <-said:
		if !strings.HasPrefix(line, "ready:") {
			return fmt.Errorf("%s printed %q", p.name, line)
		}
		if p.ready != nil {
			p.ready(line)
		}
		p.mu.Lock()
		p.serves = p.cmd == cmd
		p.mu.Unlock()
		return nil
	case <-ended:
		return fmt.Errorf("%s did not start, see %s", p.name, p.log)
	case <-late.C:
		return fmt.Errorf("%s was not ready after %s, see %s", p.name, readyWithin, p.log)
	}
}

// pid is 0 while it does not run.
func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// up says whether it runs, is ready and is not paused.
func (p *process) up() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd != nil && p.serves && !p.paused
}

// kill ends it at once, and waits for its end.
func (p *process) kill() {
	p.end(syscall.SIGKILL)
}

// stop asks it to end and waits; after a while it is killed, and the answer is false.
func (p *process) stop() bool {
	timer := time.AfterFunc(40*time.Second, p.kill)
	p.end(syscall.SIGTERM)
	return timer.Stop()
}

func (p *process) end(sig syscall.Signal) {
	p.mu.Lock()
	cmd, ended := p.cmd, p.ended
	p.wanted = false
	if cmd != nil {
		_ = cmd.Process.Signal(sig) // it has ended already otherwise
		if p.paused && sig != syscall.SIGKILL {
			_ = cmd.Process.Signal(syscall.SIGCONT)
		}
	}
	p.mu.Unlock()
	if cmd != nil {
		<-ended
	}
}

func (p *process) pause()  { p.signal(syscall.SIGSTOP, true) }
func (p *process) resume() { p.signal(syscall.SIGCONT, false) }

func (p *process) signal(sig syscall.Signal, paused bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil && p.cmd.Process.Signal(sig) == nil {
		p.paused = paused
	}
}

// crashed lists the times that it ended by itself.
func (p *process) crashed() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.crashes...)
}
