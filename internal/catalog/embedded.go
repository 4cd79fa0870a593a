package catalog

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// EmbeddedConfig says where an embedded etcd lives.
type EmbeddedConfig struct {
	Dir string // its data; it is made when missing, readable to its owner only
	// Listen is HOST:PORT for clients, port 0 for any; empty means a unix socket that only this account may use. The catalog holds the
	// cluster's secrets, so HOST should be a loopback address and the machine one's own.
	Listen string
	// Throwaway does not wait for the disk: for tests.
	Throwaway bool
	Log       *slog.Logger // slog.Default() when nil
}

// Embedded is an etcd in this process, for clusters that live on one machine: one that stands alone, or a member of several.
type Embedded struct {
	etcd     *embed.Etcd
	endpoint string
	sockets  string // a directory to be removed at the end, "" when there is none
}

// socketPath is the longest path that a unix socket can have everywhere.
const socketPath = 100

// StartEmbedded starts an etcd on a directory and returns when it answers, or fails when ctx ends before.
func StartEmbedded(ctx context.Context, cfg EmbeddedConfig) (e *Embedded, err error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded etcd: %w", err)
	}
	e = &Embedded{}
	defer func() {
		if err != nil {
			e.removeSockets()
		}
	}()
	peer, err := e.socket(dir, "peer")
	if err != nil {
		return nil, err
	}
	client, err := e.socket(dir, "client")
	if cfg.Listen != "" {
		client, err = freeAddress(cfg.Listen)
	}
	if err != nil {
		return nil, err
	}
	ec := embed.NewConfig()
	ec.Name, ec.Dir = memberName(1), memberDir(dir, 1)
	ec.ListenPeerUrls, ec.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	ec.ListenClientUrls, ec.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	ec.InitialCluster = ec.InitialClusterFromName(ec.Name)
	// A lone member elects itself: there is nobody to wait for.
	ec.TickMs, ec.ElectionMs = 10, 100
	ec.UnsafeNoFsync = cfg.Throwaway
	if err := e.start(ctx, ec, cfg.Log); err != nil {
		return nil, err
	}
	e.endpoint = client.String()
	return e, nil
}

// start starts an etcd and waits until it answers.
func (e *Embedded) start(ctx context.Context, ec *embed.Config, log *slog.Logger) (err error) {
	ec.SnapshotCount = 5000
	ec.AutoCompactionMode, ec.AutoCompactionRetention = "periodic", "10m"
	ec.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.New(&slogCore{log: log.With("part", "etcd")}))
	e.etcd, err = embed.StartEtcd(ec)
	if err != nil {
		return fmt.Errorf("embedded etcd: %w", err)
	}
	select {
	case <-e.etcd.Server.ReadyNotify():
		return nil
	case err = <-e.etcd.Err():
		err = fmt.Errorf("embedded etcd: %w", err)
	case <-e.etcd.Server.StopNotify():
		err = ErrNoMember
	case <-ctx.Done():
		err = fmt.Errorf("embedded etcd did not become ready: %w", ctx.Err())
	}
	e.etcd.Close()
	return err
}

// Endpoints are what Config.Endpoints takes.
func (e *Embedded) Endpoints() []string { return []string{e.endpoint} }

// Err yields an error when the etcd ends by itself.
func (e *Embedded) Err() <-chan error { return e.etcd.Err() }

// Done is closed when the etcd has ended, also because its member was removed.
func (e *Embedded) Done() <-chan struct{} { return e.etcd.Server.StopNotify() }

// Close stops the etcd; its data is on disk. Close the catalogs that use it first: etcd gives connected clients some seconds to go.
func (e *Embedded) Close() error {
	e.etcd.Close()
	e.removeSockets()
	return nil
}

func (e *Embedded) removeSockets() {
	if e.sockets != "" {
		_ = os.RemoveAll(e.sockets)
	}
}

// socket chooses a unix socket in dir, or elsewhere when dir's path is too long for one.
func (e *Embedded) socket(dir, name string) (url.URL, error) {
	path := filepath.Join(dir, name+".sock")
	if len(path) > socketPath {
		if e.sockets == "" {
			tmp, err := os.MkdirTemp("", "orbweaver-etcd-")
			if err != nil {
				return url.URL{}, fmt.Errorf("embedded etcd: %w", err)
			}
			e.sockets = tmp
		}
		path = filepath.Join(e.sockets, name+".sock")
	}
	return url.URL{Scheme: "unix", Path: path}, nil
}

// freeAddress finds a port where none is given. etcd can't be handed a listener, so the port is free again for a moment.
func freeAddress(listen string) (url.URL, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return url.URL{}, fmt.Errorf("embedded etcd: %w", err)
	}
	addr := l.Addr().String()
	return url.URL{Scheme: "http", Host: addr}, l.Close()
}

// slogCore passes on what etcd dies of. What it calls an error is at most worth knowing: it says so of its own closing and of a first start,
// and what fails for good fails in the catalog's hands, too. Its warnings are mostly about slow disks.
type slogCore struct {
	log    *slog.Logger
	fields []zapcore.Field
}

func (c *slogCore) Enabled(l zapcore.Level) bool { return l >= zapcore.WarnLevel }

func (c *slogCore) With(f []zapcore.Field) zapcore.Core {
	return &slogCore{log: c.log, fields: append(c.fields[:len(c.fields):len(c.fields)], f...)}
}

func (c *slogCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return ce.AddCore(e, c)
	}
	return ce
}

func (c *slogCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	level := slog.LevelDebug
	switch {
	case e.Level > zapcore.ErrorLevel:
		level = slog.LevelError
	case e.Level == zapcore.ErrorLevel:
		level = slog.LevelInfo
	}
	enc := zapcore.NewMapObjectEncoder()
	for _, f := range append(c.fields[:len(c.fields):len(c.fields)], fields...) {
		f.AddTo(enc)
	}
	args := make([]any, 0, 2*len(enc.Fields))
	for k, v := range enc.Fields {
		args = append(args, k, v)
	}
	c.log.Log(context.Background(), level, e.Message, args...)
	return nil
}

func (c *slogCore) Sync() error { return nil }
