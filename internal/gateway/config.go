package gateway

import (
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// Config is what a Gateway is made of. Catalog, Pools, NodeID and ClusterKey must be given.
type Config struct {
	Catalog *catalog.Catalog
	Pools   *backend.Pools
	// Node is this process in the catalog: DDL and changes of accounts hold its locks. Without it DDL is refused, and changes of accounts exclude
	// those of this process alone.
	Node *catalog.Node
	// NodeID is the node's number, unique in the cluster, 1 to 4095: the upper bits of its connection ids.
	NodeID uint16
	// ClusterKey is the public half of the cluster's ed25519 key as MariaDB stores it: the method that the node adds to each account.
	ClusterKey string
	// Seal encrypts a secret that goes to the controller through the catalog, for one purpose. Both or none: without, statements with secrets are
	// refused, and nodes do not ask each other.
	Seal func(secret, purpose string) []byte
	// Open decrypts what any node's Seal has made for a purpose.
	Open func(sealed []byte, purpose string) (string, error)
	// TLS is offered to clients; nil for none.
	TLS *tls.Config
	// MaxConnections bounds the clients, default 10,000.
	MaxConnections int
	// MaxPacket is max_allowed_packet, default 64 MiB.
	MaxPacket int
	// SortMemory bounds the rows that one statement sorts, groups or collects at the node, and those of a session's cursors, in bytes; default 256 MiB.
	SortMemory int64
	// HandshakeTimeout bounds a login, default 10 s (connect_timeout).
	HandshakeTimeout time.Duration
	// WaitTimeout ends a session that is silent for so long, unless it sets wait_timeout itself. Default 8 h.
	WaitTimeout time.Duration
	// FailoverWait bounds how long a statement waits for a partition whose master is gone, default 10 s.
	FailoverWait time.Duration
	// Spans gets the sessions' transactions over several places, for who looks for deadlocks; nil: nobody does.
	Spans *txn.Spans
	// Log gets what an operator should know; nil: slog.Default().
	Log *slog.Logger
}

func (c *Config) defaults() {
	if c.MaxConnections == 0 {
		c.MaxConnections = 10000
	}
	if c.MaxPacket == 0 {
		c.MaxPacket = 64 << 20
	}
	if c.SortMemory == 0 {
		c.SortMemory = 256 << 20
	}
	if c.HandshakeTimeout == 0 {
		c.HandshakeTimeout = 10 * time.Second
	}
	if c.FailoverWait == 0 {
		c.FailoverWait = 10 * time.Second
	}
	if c.WaitTimeout == 0 {
		c.WaitTimeout = 8 * time.Hour
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
}
