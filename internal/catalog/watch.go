package catalog

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// pageSize bounds one answer of the first load.
const pageSize = 2000

// reload reads all keys at one revision and makes them the state; it returns that revision.
func (c *Catalog) reload(ctx context.Context) (int64, error) {
	var rev int64
	var changes, decided []change
	nodes, notes := &nodeSet{}, &board{notes: map[string][]byte{}}
	from, end := c.cfg.Prefix, clientv3.GetPrefixRangeEnd(c.cfg.Prefix)
	var topoRev, accounts int64
	for {
		resp, err := c.client.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(pageSize), clientv3.WithRev(rev))
		if err != nil {
			return 0, readError(err)
		}
		if rev == 0 {
			rev = resp.Header.Revision
		}
		for _, kv := range resp.Kvs {
			key := string(kv.Key[len(c.cfg.Prefix):])
			switch {
			case key == keyRev:
				topoRev = kv.ModRevision
			case key == keyAccounts:
				accounts = kv.ModRevision
			case strings.HasPrefix(key, dirSeq):
				c.sequenceSeen(key, kv.Value, kv.ModRevision)
			case isTopo(key):
			case onBoard(key), strings.HasPrefix(key, dirDDL):
				notes.notes[key] = kv.Value
				continue
			case strings.HasPrefix(key, dirDecision):
				decided = append(decided, change{key, kv.Value, kv.ModRevision})
				continue
			default:
				nodes = nodes.apply(key, kv.Value, kv.ModRevision)
				continue
			}
			if isTopo(key) {
				value := kv.Value
				if value == nil { // an empty one: what is there was not deleted
					value = []byte{}
				}
				changes = append(changes, change{key, value, kv.ModRevision})
			}
		}
		if !resp.More {
			break
		}
		from = string(resp.Kvs[len(resp.Kvs)-1].Key) + "\x00"
	}
	s, err := load(changes, topoRev)
	if err != nil {
		return 0, err
	}
	notes.rev = rev
	c.show(s, nodes, notes, accounts)
	c.noteDecisions(decided, true)
	c.announce()
	c.announceBoard()
	return rev, nil
}

// show makes what the watch has read visible. The nodes come before the snapshot and the version of accounts: who sees one must see all nodes that registered
// before it, or a barrier would not wait for one of them.
func (c *Catalog) show(s *state, nodes *nodeSet, notes *board, accounts int64) {
	c.nodes.Store(nodes)
	c.board.Store(notes)
	c.state.Store(s)
	c.accounts.Store(accounts)
}

func isTopo(key string) bool { return strings.HasPrefix(key, "topo/") }

// watch follows all keys from a revision on until the catalog is closed. When etcd is away the client comes back by itself and goes on where it
// was; what remains is compaction, and a store that is another one's.
func (c *Catalog) watch(rev int64) {
	defer close(c.done)
	for c.ctx.Err() == nil {
		err := c.follow(rev)
		if c.ctx.Err() != nil {
			return
		}
		c.log.Warn("catalog: the watch was interrupted; reading the topology anew", "error", err)
		for {
			ctx, cancel := context.WithTimeout(c.ctx, 5*time.Second)
			at, err := c.reload(ctx)
			cancel()
			if err == nil {
				rev = at + 1
				break
			}
			select {
			case <-c.ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

// follow applies events from a revision on until the watch breaks.
func (c *Catalog) follow(rev int64) error {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	ch := c.client.Watch(clientv3.WithRequireLeader(ctx), c.cfg.Prefix, clientv3.WithPrefix(), clientv3.WithRev(rev))
	for resp := range ch {
		if err := resp.Err(); err != nil {
			return err
		}
		if err := c.applyEvents(resp.Events); err != nil {
			return err
		}
	}
	return c.ctx.Err()
}

func (c *Catalog) applyEvents(events []*clientv3.Event) error {
	var changes, decided []change
	old := c.state.Load()
	rev := old.snap.Revision
	nodes, notes := c.nodes.Load(), c.board.Load()
	accounts := c.accounts.Load()
	news, noted := false, false
	for _, e := range events {
		key := string(e.Kv.Key[len(c.cfg.Prefix):])
		value := e.Kv.Value
		if e.Type == clientv3.EventTypeDelete {
			value = nil
		} else if value == nil {
			value = []byte{}
		}
		switch {
		case isTopo(key):
			if e.Kv.ModRevision <= old.snap.Revision {
				continue // read by the load already
			}
			changes = append(changes, change{key, value, e.Kv.ModRevision})
			rev = e.Kv.ModRevision
		case key == keyAccounts:
			accounts, news = e.Kv.ModRevision, true
		case strings.HasPrefix(key, dirSeq):
			c.sequenceSeen(key, value, e.Kv.ModRevision)
		case onBoard(key):
			notes, noted = notes.with(key, value, e.Kv.ModRevision), true
		case strings.HasPrefix(key, dirDDL): // which nobody waits for
			notes = notes.with(key, value, e.Kv.ModRevision)
		case strings.HasPrefix(key, dirDecision):
			decided = append(decided, change{key, value, e.Kv.ModRevision})
		default:
			if n := nodes.apply(key, value, e.Kv.ModRevision); n != nodes {
				nodes, news = n, true
			}
		}
	}
	s := old
	if len(changes) > 0 {
		var err error
		if s, err = old.apply(changes, rev); err != nil {
			return err
		}
		news = true
	}
	if nodes != c.nodes.Load() {
		noted = true // those who wait for nodes look again
	}
	c.show(s, nodes, notes, accounts)
	if len(decided) > 0 {
		c.noteDecisions(decided, false)
	}
	if news {
		c.announce()
	}
	if noted {
		c.announceBoard()
	}
	return nil
}

func parseUint(b []byte) (uint64, error) {
	v, err := strconv.ParseUint(string(b), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("catalog: not a number: %w", err)
	}
	return v, nil
}
