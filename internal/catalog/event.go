package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// Event is something that happened to the cluster, for operators.
type Event struct {
	Time     time.Time `json:"time"`
	Node     string    `json:"node"`     // that tells it
	Severity string    `json:"severity"` // "notice", "warning" or "error"
	Kind     string    `json:"kind"`     // "leaf offline", "partition promoted", …
	Leaf     string    `json:"leaf,omitempty"`
	Database string    `json:"database,omitempty"`
	Detail   string    `json:"detail,omitempty"`
}

// keptEvents bounds the events that are kept, and whatever else is kept like them, give or take a few.
const keptEvents = 1000

// forgottenEvents bounds how many one AddEvent forgets. It is more than one: nodes that add at the same time see the same oldest.
const forgottenEvents = 50

// AddEvent keeps an event, and forgets the oldest ones when there are too many.
func (n *Node) AddEvent(ctx context.Context, e Event) error {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	e.Node = n.info.Name
	return n.c.addLast(ctx, dirEvent, e.Time, e)
}

// addLast keeps a document in a directory by its time, and forgets the oldest ones when there are too many.
func (c *Catalog) addLast(ctx context.Context, dir string, at time.Time, what any) error {
	doc, err := json.Marshal(what)
	if err != nil {
		return err
	}
	key := c.key(fmt.Sprintf("%s%019d-%s", dir, at.UnixNano(), randomID()[:8]))
	var resp *clientv3.TxnResponse
	if err := repeat(ctx, func(ctx context.Context) (err error) {
		resp, err = c.client.Txn(ctx).Then(
			clientv3.OpPut(key, string(doc)),
			clientv3.OpGet(c.key(dir), clientv3.WithPrefix(), clientv3.WithKeysOnly(), clientv3.WithLimit(forgottenEvents), clientv3.WithSort(clientv3.SortByKey, clientv3.SortAscend)),
			clientv3.OpGet(c.key(dir), clientv3.WithPrefix(), clientv3.WithCountOnly())).Commit()
		return err
	}); err != nil {
		return writeError(err)
	}
	oldest := resp.Responses[1].GetResponseRange().Kvs
	surplus := int(resp.Responses[2].GetResponseRange().Count) - keptEvents
	if surplus <= 0 {
		return nil
	}
	var ops []clientv3.Op
	for _, kv := range oldest[:min(surplus, len(oldest))] {
		ops = append(ops, clientv3.OpDelete(string(kv.Key)))
	}
	_, err = c.client.Txn(ctx).Then(ops...).Commit()
	return writeError(err)
}

// Events lists what happened, oldest first.
func (c *Catalog) Events(ctx context.Context) ([]Event, error) {
	resp, err := c.client.Get(ctx, c.key(dirEvent), clientv3.WithPrefix())
	if err != nil {
		return nil, readError(err)
	}
	out := make([]Event, 0, len(resp.Kvs))
	for _, kv := range resp.Kvs {
		var e Event
		if err := json.Unmarshal(kv.Value, &e); err != nil {
			return nil, fmt.Errorf("catalog: key %s: %w", kv.Key, err)
		}
		out = append(out, e)
	}
	return out, nil
}
