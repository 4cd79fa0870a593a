package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Questions and answers are reports: each node sees them on its board. All of them are under the lease of the node that asks, and end with it.
const (
	dirAsk    = dirReport + "ask/"    // <question>
	dirAnswer = dirReport + "answer/" // <question>/<id of the node that answers>
)

// MostAnswer is how long an answer may be, in bytes: etcd takes no request of more than 1.5 MiB, and JSON makes it longer.
const MostAnswer = 1 << 20

// question is what a node asks others.
type question struct {
	Topic string `json:"topic"`
	Doc   []byte `json:"doc"`
	// Of are the nodes that are asked, and the leases by which the asker knew them: a process that has taken over the name is not meant.
	Of    map[uint32]int64 `json:"of"`
	Lease int64            `json:"lease"` // of the node that asks
}

// Ask asks living nodes, and waits until each has answered or is gone, or ctx ends. The answers are by the nodes' ids; with an error they are those that
// have come. Nodes reach each other through etcd alone: small things, now and then.
func (n *Node) Ask(ctx context.Context, topic string, doc []byte, of ...NodeInfo) (map[uint32][]byte, error) {
	n.mu.Lock()
	l := n.lease
	n.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("%w: the node's lease is lost", ErrUnavailable)
	}
	q := question{Topic: topic, Doc: doc, Of: map[uint32]int64{}, Lease: int64(l.id)}
	for _, o := range of {
		q.Of[o.ID] = o.Lease
	}
	text, err := json.Marshal(&q)
	if err != nil {
		return nil, err
	}
	id := strconv.FormatUint(uint64(n.info.ID), 36) + "-" + strconv.FormatInt(n.asked(), 36)
	key, answers := n.c.key(dirAsk+id), n.c.key(dirAnswer+id+"/")
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), attempt)
		defer cancel()
		// What can't be taken back now ends with the lease.
		_, _ = n.c.client.Txn(end).Then(clientv3.OpDelete(key), clientv3.OpDelete(answers, clientv3.WithPrefix())).Commit()
	}()
	if err := repeat(ctx, func(ctx context.Context) error {
		_, err := n.c.client.Put(ctx, key, string(text), clientv3.WithLease(l.id))
		return err
	}); err != nil {
		return nil, writeError(err)
	}
	for {
		changed := n.c.BoardChanged()
		got := map[uint32][]byte{}
		for who, doc := range n.c.board.Load().below(dirAnswer + id + "/") {
			if node, err := strconv.ParseUint(who, 10, 32); err == nil {
				got[uint32(node)] = doc
			}
		}
		open := false
		for _, o := range n.c.Nodes() {
			open = open || got[o.ID] == nil && o.Lease == q.Of[o.ID]
		}
		if !open {
			return got, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return got, context.Cause(ctx)
		case <-n.ctx.Done():
			return got, ErrClosed
		}
	}
}

// asked is a number that no question of this node's name has had.
func (n *Node) asked() int64 {
	for {
		last := n.lastAsked.Load()
		next := max(time.Now().UnixNano(), last+1)
		if n.lastAsked.CompareAndSwap(last, next) {
			return next
		}
	}
}

// Answer answers what other nodes ask this one, until ctx ends: by what f makes of it, which is called once for a question, several at once. nil is no answer.
func (n *Node) Answer(ctx context.Context, f func(ctx context.Context, topic string, doc []byte) []byte) {
	var wg sync.WaitGroup
	defer wg.Wait()
	taken := map[string]bool{}
	for {
		changed := n.c.BoardChanged()
		all := n.c.board.Load().below(dirAsk)
		for id := range taken {
			if all[id] == nil {
				delete(taken, id)
			}
		}
		n.mu.Lock()
		l := n.lease
		n.mu.Unlock()
		for id, text := range all {
			var q question
			if taken[id] || l == nil || json.Unmarshal(text, &q) != nil || q.Of[n.info.ID] != int64(l.id) {
				continue
			}
			taken[id] = true
			wg.Go(func() {
				if doc := f(ctx, q.Topic, q.Doc); doc != nil {
					n.answer(ctx, id, &q, doc)
				}
			})
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		case <-n.c.ctx.Done():
			return
		}
	}
}

// answer leaves an answer for a question that still is one.
func (n *Node) answer(ctx context.Context, id string, q *question, doc []byte) {
	put := clientv3.OpPut(n.c.key(dirAnswer+id+"/"+strconv.FormatUint(uint64(n.info.ID), 10)), string(doc), clientv3.WithLease(clientv3.LeaseID(q.Lease)))
	err := repeat(ctx, func(ctx context.Context) error {
		_, err := n.c.client.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(n.c.key(dirAsk+id)), ">", 0)).Then(put).Commit()
		return err
	})
	if err != nil && ctx.Err() == nil && !errors.Is(err, rpctypes.ErrLeaseNotFound) { // whose lease is lost does not wait any more
		n.c.log.Info("catalog: another node's question could not be answered", "topic", q.Topic, "asker", strings.SplitN(id, "-", 2)[0], "error", err)
	}
}
