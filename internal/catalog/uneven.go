package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Mark says that a node writes what all leaves have alike, leaf by leaf: were it to die, they might differ. It outlives the node's lease.
type Mark struct {
	Node string `json:"node"`
	// Doubt: the node lives, and knows that it has written to some leaves only, or perhaps.
	Doubt bool `json:"doubt,omitempty"`
	// Orphan: its node's lease is gone. Set by Marks.
	Orphan bool `json:"-"`

	key string
	rev int64
}

// Mark makes it known that this node writes, in doubt or not. It holds until alive ends; then it is to be made anew.
func (n *Node) Mark(ctx context.Context, doubt bool) (alive context.Context, err error) {
	n.mu.Lock()
	l := n.lease
	n.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("%w: the node's lease is lost", ErrUnavailable)
	}
	doc, err := json.Marshal(Mark{Node: n.info.Name, Doubt: doubt})
	if err != nil {
		return nil, err
	}
	key := n.c.key(markKey(int64(l.id)))
	var when []clientv3.Cmp
	if !doubt { // one in doubt stays so
		when = append(when, clientv3.Compare(clientv3.CreateRevision(key), "=", 0))
	}
	if _, err := n.c.client.Txn(ctx).If(when...).Then(clientv3.OpPut(key, string(doc))).Commit(); err != nil {
		return nil, writeError(err)
	}
	return l.ctx, nil
}

// Unmark takes back a mark that is not in doubt.
func (n *Node) Unmark(ctx context.Context) error {
	n.mu.Lock()
	l := n.lease
	n.mu.Unlock()
	if l == nil {
		return nil // it is an orphan's
	}
	doc, err := json.Marshal(Mark{Node: n.info.Name})
	if err != nil {
		return err
	}
	key := n.c.key(markKey(int64(l.id)))
	_, err = n.c.client.Txn(ctx).If(clientv3.Compare(clientv3.Value(key), "=", string(doc))).Then(clientv3.OpDelete(key)).Commit()
	return writeError(err)
}

// Marks lists the marks of all nodes.
func (c *Catalog) Marks(ctx context.Context) ([]Mark, error) {
	resp, err := c.client.Txn(ctx).Then(
		clientv3.OpGet(c.key(dirMark), clientv3.WithPrefix()),
		clientv3.OpGet(c.key(dirLive), clientv3.WithPrefix(), clientv3.WithKeysOnly())).Commit()
	if err != nil {
		return nil, readError(err)
	}
	live := map[string]bool{}
	for _, kv := range resp.Responses[1].GetResponseRange().Kvs {
		live[string(kv.Key)] = true
	}
	var out []Mark
	for _, kv := range resp.Responses[0].GetResponseRange().Kvs {
		m := Mark{key: strings.TrimPrefix(string(kv.Key), c.cfg.Prefix), rev: kv.ModRevision}
		if err := json.Unmarshal(kv.Value, &m); err != nil {
			return nil, fmt.Errorf("catalog: key %s: %w", kv.Key, err)
		}
		lease, err := strconv.ParseInt(strings.TrimPrefix(m.key, dirMark), 16, 64)
		if err != nil {
			return nil, fmt.Errorf("catalog: key %s: %w", kv.Key, err)
		}
		m.Orphan = !live[c.key(liveKey(lease))]
		out = append(out, m)
	}
	return out, nil
}

// Even ends the doubt about a mark: the leaves are alike. The mark of a node that lives stays. Only the controller does it; a mark that has changed since Marks is left.
func (n *Node) Even(ctx context.Context, m Mark) error {
	var doc []byte
	if !m.Orphan {
		var err error
		if doc, err = json.Marshal(Mark{Node: m.Node}); err != nil {
			return err
		}
	}
	leads, _, err := n.leads()
	if err != nil {
		return err
	}
	op := clientv3.OpDelete(n.c.key(m.key))
	if doc != nil {
		op = clientv3.OpPut(n.c.key(m.key), string(doc))
	}
	_, err = n.c.client.Txn(ctx).If(leads, clientv3.Compare(clientv3.ModRevision(n.c.key(m.key)), "=", m.rev)).Then(op).Commit()
	return writeError(err)
}
