package backend

import (
	"crypto/tls"
	"net/netip"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// Account says as whom a connection is logged in. The zero Account is the cluster's own (`orbweaver`, no PROXY header).
type Account struct {
	User     string
	Host     string     // the pattern of the matched account, '%' or '10.%'
	ClientIP netip.Addr // the client's address, sent in the PROXY header; USER() and host patterns see it
}

// Cluster is the account of the cluster's own work.
var Cluster = Account{}

// Variant is the set of negotiated capability flags that shape the bytes of answers or the reading of statements. Two clients with the same
// Variant may share connections and take relayed packets as they are. All other flags are fixed by this package: LOCAL_FILES on, for the
// node's own loads; MULTI_STATEMENTS off, as nodes split the text.
type Variant wire.Caps

const variantMask = Variant(wire.ClientFoundRows | wire.ClientIgnoreSpace | wire.ClientMultiResults | wire.ClientPSMultiResults |
	wire.ClientSessionTrack | wire.ClientDeprecateEOF | wire.MariaDBExtendedMetadata)

// Internal is the Variant of the cluster's own statements.
const Internal = Variant(wire.ClientMultiResults | wire.ClientPSMultiResults | wire.ClientDeprecateEOF)

// VariantOf keeps of a client's negotiated capability flags those that matter to leaves.
func VariantOf(caps wire.Caps) Variant { return Variant(caps) & variantMask }

// Want says which connection is wanted.
type Want struct {
	Leaf    string
	Account Account
	Variant Variant
	Schema  string // default database, "" for none: DATABASE() is NULL and unqualified names are refused
	State   *State // nil: a new session's
	// Term is the mastership under which the connection is used; the connection carries it (Conn.Term) until it is released.
	Term uint64
	// Domain is the GTID domain that what is written goes to: the partition's in its term. The leaf refuses it (error 1777) when it is not the partition's
	// master in that term. 0 is the server's own.
	Domain uint32
	// Serves is the partition's database when it is not Schema.
	Serves string

	// Remote is the server when it is no leaf, Leaf its ID: neither Account nor Domain mean anything then.
	Remote *Remote
	// Silence is for how long a pipeline's answer may fail to come, to the second: the connection is cut then. 0 is for ever.
	Silence time.Duration

	reserved bool // for KILL and the like: may exceed MaxPerLeaf by a few
}

// Urgent may have a connection although the leaf's pool is full, one of a few: for what makes others give theirs back.
func (w Want) Urgent() Want {
	w.reserved = true
	return w
}

// Config is what Pools need to know. Addr is asked at each dial and each Get, so that a leaf may move.
type Config struct {
	// Addr gives a leaf's host:port from the current topology; false when there is no such leaf.
	Addr func(leaf string) (string, bool)
	// Password is the cluster's ed25519 password. It never reaches a log or an error.
	Password string
	// TLS to leaves; nil for none. A leaf's certificate must be for its host, unless ServerName says another name.
	TLS *tls.Config
	// TLSWhereRequired leaves out TLS for all but accounts that leaves refuse without it (REQUIRE SSL).
	TLSWhereRequired bool
	// MaxPerLeaf bounds the connections to one leaf, all accounts together. Default 2000.
	MaxPerLeaf int
	// MaxDials bounds the dials to one leaf that are under way at the same time. Default 16.
	MaxDials int
	// WaitTimeout bounds the wait for a connection when MaxPerLeaf is reached. Default 10 s.
	WaitTimeout time.Duration
	// DialTimeout bounds one dial with its login. Default 5 s.
	DialTimeout time.Duration
	// IdleTimeout is how long an unused connection is kept. Default 5 min.
	IdleTimeout time.Duration
	// MaxStatements bounds the prepared statements kept on one connection. Default 256.
	MaxStatements int
	// PipelineWidth is the number of connections that one pipeline may use. Default: half as many as the leaf's machine has processors.
	PipelineWidth int
}
