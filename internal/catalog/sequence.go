package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// The sizes of the blocks that a node reserves. A block grows when the one before lasted less than fastBlock, and shrinks when it lasted longer than
// slowBlock.
const (
	minBlock  = 100
	maxBlock  = 65536
	fastBlock = 2 * time.Second
	slowBlock = 30 * time.Second
)

// Sequence hands out the values of a table's AUTO_INCREMENT column. Values come from a block that this node has reserved in etcd; those of one node
// ascend, and follow each other without gaps while no other node reserves in between. All nodes skip values up to Floor, the greatest explicit
// value that was not in its node's own block. Whether a value fits the column is the caller's matter.
type Sequence struct {
	c    *Catalog
	name string
	key  string // with the prefix

	mu sync.Mutex
	// [start, limit) is this node's for ever, [next, limit) is not handed out yet.
	start, next, limit uint64
	// doc is the stored one as last seen, at revision rev, 0 when it is not stored yet.
	doc    sequenceDoc
	rev    int64
	known  bool
	closed bool
	// busy is not nil while somebody talks to etcd for this sequence, and closed afterwards. mu is free meanwhile.
	busy    chan struct{}
	block   uint64
	granted time.Time
}

// sequenceDoc is what is stored. Values in [Floor, Top) may be in nodes' blocks; Gen grows by Reset and voids all blocks.
type sequenceDoc struct {
	Top   uint64 `json:"top"`
	Floor uint64 `json:"floor"`
	Gen   uint64 `json:"gen,omitempty"`
}

// Sequence is the sequence of a table, the same object for all callers.
func (c *Catalog) Sequence(table uint64) *Sequence { return c.sequence(tableSequence(table)) }

// NewTableID gives an id that no table has had.
func (c *Catalog) NewTableID(ctx context.Context) (uint64, error) {
	return c.sequence("table").Next(ctx, 1)
}

// NewDomains gives the first of n GTID domain ids in a row that no partition has had. Domain 0 is every server's own at first.
func (c *Catalog) NewDomains(ctx context.Context, n int) (uint32, error) {
	first, err := c.sequence("domain").Next(ctx, uint64(n))
	if err != nil {
		return 0, err
	}
	if first+uint64(n) > math.MaxUint32 {
		return 0, fmt.Errorf("GTID domain ids: %w", ErrExhausted)
	}
	return uint32(first), nil
}

func (c *Catalog) sequence(name string) *Sequence {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.seqs[name]
	if s == nil {
		s = &Sequence{c: c, name: name, key: c.key(seqKey(name)), block: minBlock}
		c.seqs[name] = s
	}
	return s
}

// sequencesAtOnce is how many sequences one transaction removes; etcd takes 128 operations.
const sequencesAtOnce = 100

// DropSequences removes the sequences of tables that are no more.
func (c *Catalog) DropSequences(ctx context.Context, tables ...uint64) error {
	for some := range slices.Chunk(tables, sequencesAtOnce) {
		if _, err := c.client.Txn(ctx).Then(c.dropsOf(some)...).Commit(); err != nil {
			return readError(err)
		}
	}
	return nil
}

// DropSequences removes the sequences of a few tables, that are no more, with the changes of the transaction.
func (t *Txn) DropSequences(tables ...uint64) { t.ops = append(t.ops, t.c.dropsOf(tables)...) }

func (c *Catalog) dropsOf(tables []uint64) (ops []clientv3.Op) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range tables {
		name := tableSequence(id)
		delete(c.seqs, name)
		ops = append(ops, clientv3.OpDelete(c.key(seqKey(name))))
	}
	return ops
}

// sequenceSeen takes what the watch or the load has read.
func (c *Catalog) sequenceSeen(key string, value []byte, rev int64) {
	c.mu.Lock()
	s := c.seqs[key[len(dirSeq):]]
	c.mu.Unlock()
	if s == nil || value == nil {
		return
	}
	var doc sequenceDoc
	if json.Unmarshal(value, &doc) != nil {
		return // the next reservation reads it and says so
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen(doc, rev)
}

// seen brings the block in line with a newer document. Under mu.
func (s *Sequence) seen(doc sequenceDoc, rev int64) {
	if s.known && rev <= s.rev {
		return
	}
	if s.known && doc.Gen != s.doc.Gen {
		s.start, s.next, s.limit = 0, 0, 0
	}
	s.doc, s.rev, s.known = doc, rev, true
	s.clip()
}

// clip skips values up to the floor. Under mu.
func (s *Sequence) clip() {
	s.next = min(max(s.next, s.doc.Floor), s.limit)
}

// Next hands out n values in a row, of which it returns the first. n is at least 1.
func (s *Sequence) Next(ctx context.Context, n uint64) (first uint64, err error) {
	for {
		s.mu.Lock()
		if s.limit-s.next >= n {
			first = s.next
			s.next += n
			s.mu.Unlock()
			return first, nil
		}
		if err := s.alone(ctx, func() error { return s.reserve(ctx, n) }); err != nil {
			return 0, err
		}
	}
}

// Observe says that v was inserted explicitly: what is generated later is greater, at this node at once and at the others as soon as they see it.
// It costs nothing when v is in or below this node's own block or below an explicit value before it.
func (s *Sequence) Observe(ctx context.Context, v uint64) error {
	for raised := false; !raised; {
		s.mu.Lock()
		if s.known && v < s.doc.Floor {
			s.mu.Unlock()
			return nil
		}
		if s.start <= v && v < s.limit {
			s.next = max(s.next, v+1)
			s.mu.Unlock()
			return nil
		}
		if err := s.alone(ctx, func() error { raised = true; return s.raise(ctx, v) }); err != nil {
			return err
		}
	}
	return nil
}

// Peek is the value that Next would probably return now.
func (s *Sequence) Peek(ctx context.Context) (uint64, error) {
	for {
		s.mu.Lock()
		if s.limit > s.next {
			v := s.next
			s.mu.Unlock()
			return v, nil
		}
		var v uint64
		err := s.alone(ctx, func() error {
			err := s.read(ctx)
			s.mu.Lock()
			v = s.doc.Top
			s.mu.Unlock()
			return err
		})
		if err != nil {
			return 0, err
		}
		if v > 0 {
			return v, nil
		}
	}
}

// Upcoming is what the sequences of tables give next, as near as a node can tell: greater than all that any node has handed out or observed, and exact where this
// node has the last block. Tables of which nothing is known, as etcd does not answer and they have not been used here, are left out.
func (c *Catalog) Upcoming(ctx context.Context, tables []uint64) map[uint64]uint64 {
	out := make(map[uint64]uint64, len(tables))
	silent := false
	for some := range slices.Chunk(tables, maxOps) {
		docs := make([]sequenceDoc, len(some))
		revs := make([]int64, len(some))
		if !silent {
			silent = c.sequenceDocs(ctx, some, docs, revs) != nil
		}
		for i, id := range some {
			c.mu.Lock()
			s := c.seqs[tableSequence(id)]
			c.mu.Unlock()
			if v := s.upcoming(docs[i], revs[i], silent); v > 0 {
				out[id] = v
			}
		}
	}
	return out
}

// maxOps is how many requests one transaction of etcd may have.
const maxOps = 100

// sequenceDocs reads what is stored of sequences, once: what it is for can do without.
func (c *Catalog) sequenceDocs(ctx context.Context, tables []uint64, docs []sequenceDoc, revs []int64) error {
	ops := make([]clientv3.Op, len(tables))
	for i, id := range tables {
		docs[i] = sequenceDoc{Top: 1, Floor: 1}
		ops[i] = clientv3.OpGet(c.key(seqKey(tableSequence(id))))
	}
	short, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	resp, err := c.client.Txn(short).Then(ops...).Commit()
	if err != nil {
		return readError(err)
	}
	for i, r := range resp.Responses {
		if kvs := r.GetResponseRange().Kvs; len(kvs) == 1 {
			revs[i] = kvs[0].ModRevision
			if err := json.Unmarshal(kvs[0].Value, &docs[i]); err != nil {
				return fmt.Errorf("catalog: key %s: %w", kvs[0].Key, err)
			}
		}
	}
	return nil
}

// upcoming is the next value by what is stored at a revision, or by what was seen before where that could not be read; 0 when nothing is known. s is nil at a node that
// has not used the sequence.
func (s *Sequence) upcoming(doc sequenceDoc, rev int64, silent bool) uint64 {
	if s == nil {
		if silent {
			return 0
		}
		return max(doc.Top, doc.Floor)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case rev > 0:
		s.seen(doc, rev)
	case !s.known:
		return doc.Top
	}
	if s.limit > s.next && s.limit == s.doc.Top {
		return s.next
	}
	return max(s.doc.Top, s.doc.Floor)
}

// Above is greater than all values that were handed out or observed, at any node.
func (s *Sequence) Above(ctx context.Context) (uint64, error) {
	resp, err := s.c.client.Get(ctx, s.key)
	if err != nil {
		return 0, readError(err)
	}
	if len(resp.Kvs) == 0 {
		return 1, nil
	}
	var doc sequenceDoc
	if err := json.Unmarshal(resp.Kvs[0].Value, &doc); err != nil {
		return 0, fmt.Errorf("catalog: key %s: %w", s.key, err)
	}
	return max(doc.Top, doc.Floor), nil
}

// Reset makes v (1 when 0) the next value, also when greater ones were handed out: TRUNCATE and ALTER TABLE … AUTO_INCREMENT. Blocks of other nodes
// are void as soon as they see it.
func (s *Sequence) Reset(ctx context.Context, v uint64) error {
	v = max(v, 1)
	for done := false; !done; {
		s.mu.Lock()
		err := s.alone(ctx, func() error {
			err := s.swap(ctx, func(d sequenceDoc) (sequenceDoc, error) {
				return sequenceDoc{Top: v, Floor: v, Gen: d.Gen + 1}, nil
			}, func(sequenceDoc, sequenceDoc) {})
			done = err == nil
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Close gives back what is left of the block when nobody has reserved after it.
func (s *Sequence) Close(ctx context.Context) error {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil
		}
		if s.busy == nil {
			s.closed = true
		}
		closing := s.closed
		if !closing {
			busy := s.busy
			s.mu.Unlock()
			select {
			case <-busy:
			case <-ctx.Done():
				return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
			}
			continue
		}
		next, limit, rev, doc := s.next, s.limit, s.rev, s.doc
		s.start, s.next, s.limit = 0, 0, 0
		s.mu.Unlock()
		s.c.mu.Lock()
		if s.c.seqs[s.name] == s {
			delete(s.c.seqs, s.name)
		}
		s.c.mu.Unlock()
		if next >= limit || doc.Top != limit {
			return nil
		}
		doc.Top = next
		text, err := json.Marshal(doc)
		if err != nil {
			return err
		}
		_, err = s.c.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(s.key), "=", rev)).
			Then(clientv3.OpPut(s.key, string(text))).Commit()
		return readError(err)
	}
}

// alone runs f, which talks to etcd, unless somebody does so already: then it waits for that one. It is called with mu held, and returns (as it
// runs f) with mu free; the caller looks again at what there is.
func (s *Sequence) alone(ctx context.Context, f func() error) error {
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	if busy := s.busy; busy != nil {
		s.mu.Unlock()
		select {
		case <-busy:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
	}
	busy := make(chan struct{})
	s.busy = busy
	s.mu.Unlock()
	err := f()
	s.mu.Lock()
	s.busy = nil
	s.mu.Unlock()
	close(busy)
	return err
}

// reserve gets a block of n values or more.
func (s *Sequence) reserve(ctx context.Context, n uint64) error {
	size := max(n, s.blockSize())
	return s.swap(ctx, func(d sequenceDoc) (sequenceDoc, error) {
		if math.MaxUint64-d.Top < n {
			return d, ErrExhausted
		}
		d.Top += min(size, math.MaxUint64-d.Top)
		return d, nil
	}, func(before, after sequenceDoc) { s.install(before.Top, after.Top) })
}

// raise lifts the floor above v, and reserves a block right there when v is above all blocks, so that this node goes on with v+1.
func (s *Sequence) raise(ctx context.Context, v uint64) error {
	size := s.blockSize()
	floor := v
	if v < math.MaxUint64 {
		floor = v + 1
	}
	return s.swap(ctx, func(d sequenceDoc) (sequenceDoc, error) {
		if d.Floor >= floor {
			return d, nil
		}
		d.Floor = floor
		if floor > d.Top {
			d.Top = floor + min(size, math.MaxUint64-floor)
		}
		return d, nil
	}, func(before, after sequenceDoc) {
		if after.Top > before.Top {
			s.install(floor, after.Top)
		}
	})
}

// install makes [from, to) the block, or lengthens the present one by it. Under mu.
func (s *Sequence) install(from, to uint64) {
	if s.limit != from || s.limit == 0 {
		s.start, s.next = from, from
	}
	s.limit = to
	s.clip()
}

// blockSize grows and shrinks the block by how long the last one lasted.
func (s *Sequence) blockSize() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !s.granted.IsZero() {
		switch lasted := now.Sub(s.granted); {
		case lasted < fastBlock:
			s.block = min(s.block*4, maxBlock)
		case lasted > slowBlock:
			s.block = max(s.block/4, minBlock)
		}
	}
	s.granted = now
	return s.block
}

// read gets the stored document when none has been seen yet.
func (s *Sequence) read(ctx context.Context) error {
	resp, err := s.c.get(ctx, s.key)
	if err != nil {
		return readError(err)
	}
	doc, rev := sequenceDoc{Top: 1, Floor: 1}, int64(0)
	if len(resp.Kvs) == 1 {
		rev = resp.Kvs[0].ModRevision
		if err := json.Unmarshal(resp.Kvs[0].Value, &doc); err != nil {
			return fmt.Errorf("catalog: key %s: %w", s.key, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if rev == 0 { // also when it was deleted: whatever was known is void
		s.start, s.next, s.limit, s.known = 0, 0, 0, false
	}
	s.seen(doc, rev)
	return nil
}

// swap replaces the stored document by change's and then calls done under mu, unless a Reset came in between.
func (s *Sequence) swap(ctx context.Context, change func(sequenceDoc) (sequenceDoc, error), done func(before, after sequenceDoc)) error {
	for {
		s.mu.Lock()
		known := s.known
		s.mu.Unlock()
		if !known {
			if err := s.read(ctx); err != nil {
				return err
			}
		}
		s.mu.Lock()
		before, rev := s.doc, s.rev
		s.mu.Unlock()
		after, err := change(before)
		if err != nil || after == before {
			return err
		}
		text, err := json.Marshal(after)
		if err != nil {
			return err
		}
		var resp *clientv3.TxnResponse
		if err := repeat(ctx, func(ctx context.Context) (err error) {
			resp, err = s.c.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(s.key), "=", rev)).
				Then(clientv3.OpPut(s.key, string(text))).Commit()
			return err
		}); err != nil {
			return readError(err) // if it was made all the same, some values are never used; also when it is refused because it was
		}
		if !resp.Succeeded {
			if err := s.read(ctx); err != nil {
				return err
			}
			continue
		}
		s.mu.Lock()
		s.seen(after, resp.Header.Revision)
		if s.doc.Gen == after.Gen {
			done(before, after)
		}
		s.mu.Unlock()
		return nil
	}
}
