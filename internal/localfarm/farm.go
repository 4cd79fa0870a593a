package localfarm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Farm is a set of running MariaDB servers. Leaves are named by their index, from 0. Its methods may be called concurrently.
type Farm struct {
	conf    Config
	bin     binaries
	log     *slog.Logger
	servers []*server
	lock    io.Closer
	release func()         // gives the ports back
	running sync.WaitGroup // supervisors
	closing sync.Once
	closed  error
}

// Start runs a farm and returns when every leaf accepts connections. ctx bounds the start only; Close ends the farm. It returns
// *ConfigError, *InUseError, *StartError, or an error that wraps ErrNotInstalled.
func Start(ctx context.Context, c Config) (*Farm, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	if c.StopTimeout == 0 {
		c.StopTimeout = 20 * time.Second
	}
	if c.FirstServerID == 0 {
		c.FirstServerID = 1
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	f := &Farm{conf: c, log: c.Logger, release: func() {}}
	if err := f.start(ctx); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (f *Farm) start(ctx context.Context) error {
	dir, err := filepath.Abs(f.conf.Dir)
	if err != nil {
		return err
	}
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // the account mysql passes through
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return err
	}
	if f.lock, err = LockDir(dir); err != nil {
		return err
	}
	if f.bin, err = find(ctx); err != nil {
		return err
	}
	n := f.conf.Leaves
	for exists(leafDir(dir, n)) {
		n++
	}
	ports, release, err := takePorts(f.conf.PortBase, n)
	if err != nil {
		return err
	}
	f.release = release
	for i := range n {
		l := Leaf{
			Name: leafName(i), Host: "127.0.0.1", Port: ports[i], Group: 1 + i%2, ServerID: f.conf.FirstServerID + uint32(i),
			Dir: leafDir(dir, i),
		}
		l.Socket, l.Log = socketPath(l.Dir), filepath.Join(l.Dir, "error.log")
		s := &server{Leaf: l, farm: f, id: runAs(dir, l.Dir), changed: make(chan struct{}), want: true}
		if err := s.make(ctx, dir); err != nil {
			return fmt.Errorf("making %s: %w", l.Name, err)
		}
		f.servers = append(f.servers, s)
	}
	for _, s := range f.servers {
		f.running.Go(s.supervise)
	}
	for _, s := range f.servers {
		if err := s.awaitReady(ctx, startAttempts); err != nil {
			return err
		}
	}
	return nil
}

// LockDir makes sure that a directory has one owner. Closing the result, or the process's end, gives it back. It returns *InUseError.
func LockDir(dir string) (io.Closer, error) {
	path := filepath.Join(dir, "lock")
	lock, err := tryLock(path)
	if errors.Is(err, errLocked) {
		text, _ := os.ReadFile(path)                            // without it the message says less
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text))) // 0 when the owner has not written it yet
		return nil, &InUseError{Dir: dir, PID: pid}
	}
	if err != nil {
		return nil, err
	}
	err = lock.Truncate(0)
	if err == nil {
		_, err = lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

// make writes the leaf's configuration, and its data when it has none yet. A leaf's directory appears whole or not at all.
func (s *server) make(ctx context.Context, farmDir string) error {
	data, tmp := filepath.Join(s.Dir, "data"), filepath.Join(s.Dir, "tmp")
	if !exists(s.Dir) {
		root := s.farm.conf.TemplateDir
		if root == "" {
			root = filepath.Join(farmDir, "template")
		}
		from, err := template(ctx, root, s.farm.bin, s.farm.conf.Throwaway)
		if err != nil {
			return err
		}
		making := s.Dir + ".making"
		if err := os.RemoveAll(making); err != nil {
			return err
		}
		if err := os.Mkdir(making, 0o750); err != nil {
			return err
		}
		if err := copyTree(ctx, from, filepath.Join(making, "data"), s.id); err != nil {
			return err
		}
		if err := s.write(filepath.Join(making, "init.sql"), initSQL(s.farm.conf.ClusterPublicKey)); err != nil {
			return err
		}
		if err := own(making, s.id); err != nil {
			return err
		}
		if err := os.Rename(making, s.Dir); err != nil {
			return err
		}
	}
	// Temporary files are worth nothing after a restart.
	if err := os.RemoveAll(tmp); err != nil {
		return err
	}
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	if err := own(tmp, s.id); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.Socket), 0o711); err != nil {
		return err
	}
	if filepath.Dir(s.Socket) != s.Dir {
		if err := own(filepath.Dir(s.Socket), s.id); err != nil {
			return err
		}
	}
	options := s.farm.conf.Options
	if s.farm.conf.CertFile != "" {
		cert, key := filepath.Join(s.Dir, "tls.crt"), filepath.Join(s.Dir, "tls.key")
		if err := errors.Join(s.copySecret(s.farm.conf.CertFile, cert), s.copySecret(s.farm.conf.KeyFile, key)); err != nil {
			return err
		}
		options = append([]string{"ssl_cert=" + cert, "ssl_key=" + key}, options...)
	}
	return s.write(filepath.Join(s.Dir, "my.cnf"), cnf(s.Leaf, data, tmp, s.farm.conf.Throwaway, options))
}

func (s *server) write(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		return err
	}
	return own(path, s.id)
}

// copySecret gives the server a copy of a file that nobody else can read.
func (s *server) copySecret(from, to string) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		return err
	}
	return own(to, s.id)
}

func leafName(i int) string { return "leaf-" + strconv.Itoa(i+1) }

func leafDir(dir string, i int) string { return filepath.Join(dir, leafName(i)) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// socketPath is in the leaf's directory, or in the system's for temporary files when that would be longer than a socket's name may be.
func socketPath(leafDir string) string {
	p := filepath.Join(leafDir, "mariadb.sock")
	if len(p) <= 100 {
		return p
	}
	sum := sha256.Sum256([]byte(leafDir))
	return filepath.Join(os.TempDir(), fmt.Sprintf("orbweaver-%x", sum[:8]), "mariadb.sock")
}

// Leaves describes the servers.
func (f *Farm) Leaves() []Leaf {
	ls := make([]Leaf, len(f.servers))
	for i, s := range f.servers {
		ls[i] = s.Leaf
	}
	return ls
}

// Addrs are the servers' addresses, host:port.
func (f *Farm) Addrs() []string {
	as := make([]string, len(f.servers))
	for i, s := range f.servers {
		as[i] = s.Addr()
	}
	return as
}

// Kill sends SIGKILL to a leaf. Its supervisor starts it again, unless it was stopped; see AwaitReady.
func (f *Farm) Kill(i int) error {
	s := f.servers[i]
	s.mu.Lock()
	was := s.starts
	s.mu.Unlock()
	if !s.signal(os.Kill) {
		return fmt.Errorf("%s does not run", s.Name)
	}
	// AwaitReady right after must not see the process that is dying.
	return s.await(context.Background(), func() (bool, error) { return s.process == nil || s.starts != was, nil })
}

// Pause stops a leaf's process (SIGSTOP) without ending it: its connections stay open and answer nothing. When it returns, none of the
// process's threads runs.
func (f *Farm) Pause(i int) error {
	if !f.servers[i].signal(sigStop) {
		return fmt.Errorf("%s does not run", f.servers[i].Name)
	}
	for end := time.Now().Add(stopPatience); !stopped(f.PID(i)); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("%s does not stop", f.servers[i].Name)
		}
	}
	return nil
}

// stopPatience is for a thread that has to wait for its disk before it stops.
const stopPatience = time.Minute

// Resume ends a Pause.
func (f *Farm) Resume(i int) error {
	if !f.servers[i].signal(sigCont) {
		return fmt.Errorf("%s does not run", f.servers[i].Name)
	}
	return nil
}

// Stop shuts a leaf down and keeps it down until StartLeaf. Throwaway farms kill it after the same patience as others.
func (f *Farm) Stop(ctx context.Context, i int) error {
	return f.servers[i].shutdown(ctx, f.conf.StopTimeout)
}

// StartLeaf starts a leaf that was stopped, and waits until it accepts connections.
func (f *Farm) StartLeaf(ctx context.Context, i int) error {
	f.servers[i].update(func() { f.servers[i].want = true })
	return f.AwaitReady(ctx, i)
}

// AwaitReady waits until a leaf accepts connections.
func (f *Farm) AwaitReady(ctx context.Context, i int) error {
	return f.servers[i].awaitReady(ctx, 0)
}

// PID is the process id of a leaf, 0 while it does not run.
func (f *Farm) PID(i int) int {
	s := f.servers[i]
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.Pid
}

// Close shuts all leaves down, in parallel, kills those that take longer than StopTimeout, and waits for the supervisors. Further calls do
// nothing.
func (f *Farm) Close() error {
	f.closing.Do(func() {
		patience := f.conf.StopTimeout
		if f.conf.Throwaway {
			patience = 0
		}
		var wg sync.WaitGroup
		errs := make([]error, len(f.servers))
		for i, s := range f.servers {
			wg.Go(func() {
				s.update(func() { s.closing, s.want = true, false })
				errs[i] = s.shutdown(context.Background(), patience)
			})
		}
		wg.Wait()
		f.running.Wait()
		f.release()
		for _, s := range f.servers {
			if filepath.Dir(s.Socket) != s.Dir {
				errs = append(errs, os.RemoveAll(filepath.Dir(s.Socket)))
			}
		}
		if f.lock != nil {
			errs = append(errs, f.lock.Close())
		}
		f.closed = errors.Join(errs...)
	})
	return f.closed
}
