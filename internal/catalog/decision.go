package catalog

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// Outcome is what has been decided about a transaction.
type Outcome string

// The outcomes. Prepared is a client's own XA transaction that waits for its XA COMMIT or XA ROLLBACK; the others are for ever.
const (
	Prepared   Outcome = "prepared"
	Committed  Outcome = "committed"
	RolledBack Outcome = "rolled back"
)

// Decision is what the catalog decides about a transaction that touched no partition which could, or that is a client's own XA transaction. It is
// made once: who comes second learns of the first. It outlives nodes and leaves.
type Decision struct {
	ID      string   `json:"-"`     // the transaction's
	Owner   int64    `json:"owner"` // the lease of the node that ran it
	Outcome Outcome  `json:"outcome"`
	XA      *XID     `json:"xa,omitempty"`      // of a client's own XA transaction
	User    string   `json:"user,omitempty"`    // who prepared that
	Members []Member `json:"members,omitempty"` // its branches; those of other transactions are found by XA RECOVER
	// Finished: no branch waits any more. Nobody needs it but those who ask what became of the transaction.
	Finished bool      `json:"finished,omitempty"`
	At       time.Time `json:"at"` // of the outcome

	rev int64
}

// XID is what a client calls its XA transaction.
type XID struct {
	Format int64  `json:"format"`
	Gtrid  []byte `json:"gtrid"`
	Bqual  []byte `json:"bqual,omitempty"`
}

// key leaves the format out: so does MariaDB when it compares.
func (x *XID) key() string {
	return dirXA + hex.EncodeToString(x.Gtrid) + "-" + hex.EncodeToString(x.Bqual)
}

// Member is a branch of a transaction: at a partition's master, at a leaf's shapes, or at a server of linked tables.
type Member struct {
	Partition topo.PartitionID `json:"partition,omitzero"`
	Leaf      string           `json:"leaf,omitempty"` // where it was prepared
	Server    string           `json:"server,omitempty"`
	Address   string           `json:"address,omitempty"` // of the server, and who logs in there
	User      string           `json:"user,omitempty"`
	Thread    uint64           `json:"thread"` // the connection there that the branch was begun on
}

// Lease is this node's present lease, 0 when there is none: what it decides is decided under it.
func (n *Node) Lease() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lease == nil {
		return 0
	}
	return int64(n.lease.id)
}

// Decide makes a decision unless there is one about the transaction, and returns the one that there is. The lease that owns the transaction must
// last: ErrLeaseLost. The XID of a client's transaction must be free: ErrXIDTaken. In both cases, and with ErrUnavailable, nothing was decided;
// ErrUnknown: perhaps it was, Decision tells later.
func (n *Node) Decide(ctx context.Context, d *Decision) (now *Decision, err error) {
	return n.c.decide(ctx, d, true)
}

// Decide is Node's, by others than the owner: the lease may be gone.
func (c *Catalog) Decide(ctx context.Context, d *Decision) (now *Decision, err error) {
	return c.decide(ctx, d, false)
}

func (c *Catalog) decide(ctx context.Context, d *Decision, owner bool) (*Decision, error) {
	made := *d
	if made.At.IsZero() {
		made.At = time.Now()
	}
	doc, err := json.Marshal(&made)
	if err != nil {
		return nil, err
	}
	key, live := c.key(decisionKey(d.ID)), c.key(liveKey(d.Owner))
	when := []clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(key), "=", 0)}
	then := []clientv3.Op{clientv3.OpPut(key, string(doc))}
	looks := []clientv3.Op{clientv3.OpGet(key), clientv3.OpGet(live, clientv3.WithCountOnly())}
	if owner {
		when = append(when, clientv3.Compare(clientv3.CreateRevision(live), ">", 0))
	}
	if d.XA != nil && d.Outcome == Prepared {
		xa := c.key(d.XA.key())
		when = append(when, clientv3.Compare(clientv3.CreateRevision(xa), "=", 0))
		then = append(then, clientv3.OpPut(xa, d.ID))
	}
	resp, err := c.change(ctx, when, then, looks)
	if err != nil {
		return nil, err
	}
	if resp.Succeeded {
		made.rev = resp.Header.Revision
		return &made, nil
	}
	if kvs := resp.Responses[0].GetResponseRange().Kvs; len(kvs) > 0 {
		return c.decisionOf(kvs[0].Key, kvs[0].Value, kvs[0].ModRevision)
	}
	if owner && resp.Responses[1].GetResponseRange().Count == 0 {
		return nil, ErrLeaseLost
	}
	return nil, ErrXIDTaken
}

// change makes a conditional change that may be repeated.
func (c *Catalog) change(ctx context.Context, when []clientv3.Cmp, then, looks []clientv3.Op) (resp *clientv3.TxnResponse, err error) {
	asked := 0
	err = repeat(ctx, func(ctx context.Context) (err error) {
		asked++
		resp, err = c.client.Txn(ctx).If(when...).Then(then...).Else(looks...).Commit()
		return err
	})
	if err != nil && asked > 1 { // the first may have been made
		return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return resp, writeError(err)
}

// Resolve decides about a client's XA transaction that is prepared, and returns what is decided about it: by this call, or by another one before.
// nil: it is forgotten. Its XID is free from then on.
func (c *Catalog) Resolve(ctx context.Context, d *Decision, outcome Outcome) (now *Decision, err error) {
	if d.Outcome != Prepared || d.XA == nil {
		return d, nil
	}
	made := *d
	made.Outcome, made.At = outcome, time.Now()
	return c.replace(ctx, d, &made, clientv3.OpDelete(c.key(d.XA.key())))
}

// Finish notes that no branch of a transaction waits any more.
func (c *Catalog) Finish(ctx context.Context, d *Decision) error {
	if d.Finished || d.Outcome == Prepared {
		return nil
	}
	made := *d
	made.Finished = true
	_, err := c.replace(ctx, d, &made)
	return err
}

func (c *Catalog) replace(ctx context.Context, d, made *Decision, also ...clientv3.Op) (*Decision, error) {
	doc, err := json.Marshal(made)
	if err != nil {
		return nil, err
	}
	key := c.key(decisionKey(d.ID))
	same := []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(key), "=", d.rev), clientv3.Compare(clientv3.CreateRevision(key), ">", 0)}
	resp, err := c.change(ctx, same, append(also, clientv3.OpPut(key, string(doc))), []clientv3.Op{clientv3.OpGet(key)})
	if err != nil {
		return nil, err
	}
	if resp.Succeeded {
		made.rev = resp.Header.Revision
		return made, nil
	}
	if kvs := resp.Responses[0].GetResponseRange().Kvs; len(kvs) > 0 {
		return c.decisionOf(kvs[0].Key, kvs[0].Value, kvs[0].ModRevision)
	}
	return nil, nil
}

// Forget removes decisions that nobody needs any more: no branch of their transactions is left, nor will the owner come to decide. Those that are
// prepared, or have changed since they were read, stay.
func (c *Catalog) Forget(ctx context.Context, ds ...*Decision) error {
	for _, d := range ds {
		if d.Outcome == Prepared {
			continue
		}
		key := c.key(decisionKey(d.ID))
		if _, err := c.change(ctx, []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(key), "=", d.rev)}, []clientv3.Op{clientv3.OpDelete(key)}, nil); err != nil {
			return err
		}
	}
	return nil
}

// Decision reads what is decided about a transaction from etcd; nil when nothing is.
func (c *Catalog) Decision(ctx context.Context, id string) (*Decision, error) {
	resp, err := c.get(ctx, c.key(decisionKey(id)))
	if err != nil {
		return nil, readError(err)
	}
	if len(resp.Kvs) == 0 {
		return nil, nil
	}
	return c.decisionOf(resp.Kvs[0].Key, resp.Kvs[0].Value, resp.Kvs[0].ModRevision)
}

// XA reads which transaction is prepared under a client's XID from etcd; nil when none is.
func (c *Catalog) XA(ctx context.Context, x XID) (*Decision, error) {
	for {
		resp, err := c.get(ctx, c.key(x.key()))
		if err != nil {
			return nil, readError(err)
		}
		if len(resp.Kvs) == 0 {
			return nil, nil
		}
		d, err := c.Decision(ctx, string(resp.Kvs[0].Value))
		if err != nil || d != nil && d.Outcome == Prepared {
			return d, err
		}
		// It was resolved in between: another one may have taken the XID since.
	}
}

// Decisions reads all decisions from etcd, the oldest outcome first.
func (c *Catalog) Decisions(ctx context.Context) ([]*Decision, error) {
	resp, err := c.get(ctx, c.key(dirDecision), clientv3.WithPrefix())
	if err != nil {
		return nil, readError(err)
	}
	var all []*Decision
	for _, kv := range resp.Kvs {
		d, err := c.decisionOf(kv.Key, kv.Value, kv.ModRevision)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	sortDecisions(all)
	return all, nil
}

// KnownDecisions are the decisions as last seen by the watch, the oldest outcome first. They are not to be changed.
func (c *Catalog) KnownDecisions() []*Decision {
	c.mu.Lock()
	all := slices.Collect(maps.Values(c.decisions))
	c.mu.Unlock()
	sortDecisions(all)
	return all
}

func sortDecisions(all []*Decision) {
	slices.SortFunc(all, func(a, b *Decision) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
}

// decisionOf reads a key with the prefix.
func (c *Catalog) decisionOf(key, value []byte, rev int64) (*Decision, error) {
	d := &Decision{ID: strings.TrimPrefix(string(key), c.key(dirDecision)), rev: rev}
	if err := json.Unmarshal(value, d); err != nil {
		return nil, fmt.Errorf("catalog: key %s: %w", key, err)
	}
	return d, nil
}

// noteDecisions takes over a batch of changes, or all that there is. What can't be read is told of when somebody asks etcd for it.
func (c *Catalog) noteDecisions(changes []change, all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if all {
		c.decisions = map[string]*Decision{}
	}
	for _, e := range changes {
		id := strings.TrimPrefix(e.key, dirDecision)
		delete(c.decisions, id)
		if e.value == nil {
			continue
		}
		d, err := c.decisionOf([]byte(c.key(e.key)), e.value, e.rev)
		if err != nil {
			c.log.Error("catalog: a decision about a transaction can't be read", "error", err)
			continue
		}
		c.decisions[id] = d
	}
}
