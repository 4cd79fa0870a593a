package catalog

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// Config says where the catalog is.
type Config struct {
	Endpoints []string // etcd's client URLs
	Prefix    string   // of all keys, "/orbweaver/" when empty: several clusters can share an etcd
	TLS       *tls.Config
	Username  string
	Password  string
	Log       *slog.Logger // slog.Default() when nil
}

// Catalog is a connection to the cluster's topology. All methods are safe for concurrent use.
type Catalog struct {
	cfg    Config
	log    *slog.Logger
	client *clientv3.Client
	id     string // the cluster's

	state    atomic.Pointer[state]
	accounts atomic.Int64
	nodes    atomic.Pointer[nodeSet]
	board    atomic.Pointer[board]

	mu           sync.Mutex
	changed      chan struct{} // closed and replaced at every change
	boardChanged chan struct{} // the same for the board
	// decisions is what the watch knows of them, by id. They come with every commit that the catalog decides about: the map is changed in place.
	decisions map[string]*Decision
	seqs      map[string]*Sequence
	closed    bool

	updating chan struct{} // a token: one Update at a time, as those of one process would only meet each other

	ctx  context.Context // ends with Close
	stop context.CancelFunc
	done chan struct{} // the watch has ended
}

var dialOptions = []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
	// The default grows to two minutes: an etcd that is back must be seen at once.
	Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
	MinConnectTimeout: 3 * time.Second,
})}

// Open connects, reads the whole topology and begins to watch it. It fails with ErrUnavailable when ctx ends before etcd has answered.
func Open(ctx context.Context, cfg Config) (*Catalog, error) {
	if cfg.Prefix == "" {
		cfg.Prefix = "/orbweaver/"
	}
	if !strings.HasSuffix(cfg.Prefix, "/") {
		cfg.Prefix += "/"
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	client, err := clientv3.New(clientv3.Config{
		Endpoints: cfg.Endpoints, TLS: cfg.TLS, Username: cfg.Username, Password: cfg.Password,
		DialKeepAliveTime: 6 * time.Second, DialKeepAliveTimeout: 3 * time.Second, // etcd refuses pings that come more often than every 5 s
		Logger:      zap.NewNop(),
		DialOptions: dialOptions,
	})
	if err != nil {
		return nil, fmt.Errorf("catalog: %w", err)
	}
	run, stop := context.WithCancel(context.Background())
	c := &Catalog{
		cfg: cfg, log: cfg.Log, client: client, changed: make(chan struct{}), boardChanged: make(chan struct{}), seqs: map[string]*Sequence{},
		updating: make(chan struct{}, 1), ctx: run, stop: stop, done: make(chan struct{}),
	}
	c.nodes.Store(&nodeSet{})
	c.board.Store(&board{})
	fail := func(err error) (*Catalog, error) {
		stop()
		_ = client.Close()
		return nil, err
	}
	if c.id, err = c.once(ctx, keyCluster, randomID); err != nil {
		return fail(err)
	}
	rev, err := c.reload(ctx)
	if err != nil {
		return fail(err)
	}
	go c.watch(rev + 1)
	return c, nil
}

// closeTime bounds what Close does in etcd.
const closeTime = 2 * time.Second

// Close gives back what sequences have left and ends the watch and the connection. Nodes should be closed before.
func (c *Catalog) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	seqs := slices.Collect(maps.Values(c.seqs))
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(c.ctx, closeTime)
	defer cancel()
	for _, s := range seqs {
		if err := s.Close(ctx); err != nil {
			c.log.Info("catalog: unused values are lost", "sequence", s.name, "error", err)
		}
	}
	c.stop()
	<-c.done
	return c.client.Close()
}

// ClusterID is a random id, the cluster's from its first start on.
func (c *Catalog) ClusterID() string { return c.id }

// Snapshot is the topology as last seen. It costs one atomic load.
func (c *Catalog) Snapshot() *topo.Snapshot { return c.state.Load().snap }

// Changed is closed at the next change of the snapshot, of accounts or of the set of nodes: get it before looking at what may change.
func (c *Catalog) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

func (c *Catalog) announce() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.changed)
	c.changed = make(chan struct{})
}

// WaitRevision waits until the snapshot has reached a revision.
func (c *Catalog) WaitRevision(ctx context.Context, rev int64) error {
	for {
		changed := c.Changed()
		if c.Snapshot().Revision >= rev {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("catalog: waiting for revision %d: %w", rev, ctx.Err())
		case <-c.ctx.Done():
			return ErrClosed
		}
	}
}

// Sync waits until the snapshot shows every change of the topology that was made before the call, by whomever.
func (c *Catalog) Sync(ctx context.Context) error {
	resp, err := c.get(ctx, c.key(keyRev))
	if err != nil {
		return readError(err)
	}
	if len(resp.Kvs) == 0 {
		return nil
	}
	return c.WaitRevision(ctx, resp.Kvs[0].ModRevision)
}

// AccountsVersion grows whenever some node has called AccountsChanged: caches of accounts are kept under it.
func (c *Catalog) AccountsVersion() int64 { return c.accounts.Load() }

// AccountsChanged tells all nodes that accounts or rights on the leaves have changed. It returns the version that they have now, when this node knows too.
func (c *Catalog) AccountsChanged(ctx context.Context) (version int64, err error) {
	var resp *clientv3.PutResponse
	if err := repeat(ctx, func(ctx context.Context) (err error) {
		resp, err = c.client.Put(ctx, c.key(keyAccounts), "")
		return err
	}); err != nil {
		return 0, writeError(err)
	}
	for {
		changed := c.Changed()
		if c.AccountsVersion() >= resp.Header.Revision {
			return resp.Header.Revision, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return 0, fmt.Errorf("catalog: waiting for the change of accounts: %w", ctx.Err())
		case <-c.ctx.Done():
			return 0, ErrClosed
		}
	}
}

// Secret reads a secret of the cluster; ok is false when there is none of that name.
func (c *Catalog) Secret(ctx context.Context, name string) (value string, ok bool, err error) {
	resp, err := c.get(ctx, c.key(secretKey(name)))
	if err != nil {
		return "", false, readError(err)
	}
	if len(resp.Kvs) == 0 {
		return "", false, nil
	}
	return string(resp.Kvs[0].Value), true, nil
}

// SecretOnce stores a secret unless there is one of that name, and returns the one that is stored: of many that call it at once, all get the
// same.
func (c *Catalog) SecretOnce(ctx context.Context, name, value string) (string, error) {
	return c.once(ctx, secretKey(name), func() string { return value })
}

// SetSecret stores a secret, replacing the one before.
func (c *Catalog) SetSecret(ctx context.Context, name, value string) error {
	_, err := c.client.Put(ctx, c.key(secretKey(name)), value)
	return writeError(err)
}

// once stores a value under a key that has none yet and returns the key's value. Repeating it after a failure does no harm.
func (c *Catalog) once(ctx context.Context, key string, make func() string) (string, error) {
	key = c.key(key)
	value := make()
	var resp *clientv3.TxnResponse
	if err := repeat(ctx, func(ctx context.Context) (err error) {
		resp, err = c.client.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
			Then(clientv3.OpPut(key, value)).Else(clientv3.OpGet(key)).Commit()
		return err
	}); err != nil {
		return "", readError(err)
	}
	if resp.Succeeded {
		return value, nil
	}
	return string(resp.Responses[0].GetResponseRange().Kvs[0].Value), nil
}

func (c *Catalog) key(k string) string { return c.cfg.Prefix + k }

func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// readError is for requests that change nothing, or that may be repeated.
func readError(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// writeError tells changes that were certainly not made from those that perhaps were.
func writeError(err error) error {
	if err == nil {
		return nil
	}
	if certainlyNot(err) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %w", ErrUnknown, err)
}

// certainlyNot: etcd has refused the request, or it never left.
func certainlyNot(err error) bool {
	if errors.Is(err, clientv3.ErrNoAvailableEndpoints) {
		return true
	}
	code := status.Code(err)
	var known rpctypes.EtcdError // its code is not gRPC's to find
	if errors.As(err, &known) {
		code = known.Code()
	}
	switch code {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied, codes.FailedPrecondition,
		codes.OutOfRange, codes.Unauthenticated, codes.ResourceExhausted:
		return true
	}
	return false
}
