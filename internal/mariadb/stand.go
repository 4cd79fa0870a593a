package mariadb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
)

// starts is the table of where a server's copies were made, which nothing else tells for good, and what its binary log had of the domain then: a start holds until more is logged.
const starts = Schema + ".starts"

const createStarts = "CREATE TABLE IF NOT EXISTS " + starts + " (domain INT UNSIGNED NOT NULL PRIMARY KEY, server INT UNSIGNED NOT NULL, seq BIGINT UNSIGNED NOT NULL," +
	" logged BIGINT UNSIGNED NOT NULL) ENGINE=InnoDB"

// Stands is how far a server has what it follows or has followed: domain by domain the last transaction in its binary log, or where its copy was made when it has logged nothing since.
//
// Its replication position does not tell. That advances with the events that a link leaves out as well: where two sources have a domain, one that is followed
// in it and one that is not, it may be ahead of what has been applied.
func (s *Servers) Stands(ctx context.Context, leaf string) (Position, error) {
	c, err := s.conn(ctx, leaf)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	return stands(ctx, c)
}

// logged is what a server's binary log has.
func logged(ctx context.Context, c *backend.Conn) (Position, error) {
	res, err := c.Query(ctx, "SELECT @@GLOBAL.gtid_binlog_pos")
	if err != nil {
		return nil, fmt.Errorf("leaf %s: %w", c.Leaf(), err)
	}
	return ParsePosition(string(res.Rows[0][0]))
}

func stands(ctx context.Context, c *backend.Conn) (Position, error) {
	pos, err := logged(ctx, c)
	if err != nil {
		return nil, err
	}
	res, err := c.Query(ctx, "SELECT domain, server, seq, logged FROM "+starts)
	if err != nil {
		return nil, fmt.Errorf("leaf %s: %w", c.Leaf(), err)
	}
	for _, row := range res.Rows {
		domain, e1 := strconv.ParseUint(string(row[0]), 10, 32)
		server, e2 := strconv.ParseUint(string(row[1]), 10, 32)
		seq, e3 := strconv.ParseUint(string(row[2]), 10, 64)
		logged, e4 := strconv.ParseUint(string(row[3]), 10, 64)
		if err := errors.Join(e1, e2, e3, e4); err != nil {
			return nil, err
		}
		switch d := uint32(domain); {
		case pos[d].Sequence != logged:
		case seq == 0:
			delete(pos, d)
		default:
			pos[d] = GTID{Domain: d, Server: uint32(server), Sequence: seq}
		}
	}
	return pos, nil
}

// note keeps where domains begin to be followed, while nothing is applied.
func note(ctx context.Context, c *backend.Conn, set []Start) error {
	if len(set) == 0 {
		return nil
	}
	has, err := logged(ctx, c)
	if err != nil {
		return err
	}
	if err := do(ctx, c, unlogged); err != nil {
		return err
	}
	for _, st := range set {
		if err := do(ctx, c, fmt.Sprintf("REPLACE INTO %s VALUES (%d, %d, %d, %d)", starts, st.Domain, st.After.Server, st.After.Sequence, has[st.Domain].Sequence)); err != nil {
			return err
		}
	}
	return nil
}

// goOnWithin bounds the starting of replication connections that were stopped for a moment.
const goOnWithin = 10 * time.Second

// paused runs f while all of a server's replication connections are stopped, under the lock of its links. Whatever happens, those that ran go on, and that of begin, "" for none:
// each from where the server stands in what it follows. One of which only the receiving was stopped is not to get anything from its source any more. known is what the
// sources name.
func (s *Servers) paused(ctx context.Context, c *backend.Conn, all map[string]*Link, begin string, known map[string]Position, f func() error) (err error) {
	// Before anything stops: commits wait meanwhile.
	if err := do(ctx, c, "SET GLOBAL gtid_cleanup_batch_size="+putOff); err != nil {
		return err
	}
	defer func() { _ = do(ctx, c, "SET GLOBAL gtid_cleanup_batch_size=DEFAULT") }() // Tune sets it again
	time.Sleep(clearing)
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goOnWithin)
		defer cancel()
		err = errors.Join(err, s.goOn(ctx, c.Leaf(), all, begin, known))
	}()
	if err := do(ctx, c, "STOP ALL SLAVES"); err != nil {
		return err
	}
	return f()
}

// goOn starts what paused has stopped. All that receive take their positions before any applies: what one leaves out moves the position of the others.
func (s *Servers) goOn(ctx context.Context, leaf string, before map[string]*Link, begin string, known map[string]Position) error {
	c, err := s.conn(ctx, leaf) // of its own: that of a query which was given up is of no use
	if err != nil {
		return err
	}
	defer c.Release()
	now, err := links(ctx, c)
	if err != nil {
		return err
	}
	stand, err := stands(ctx, c)
	if err != nil {
		return err
	}
	var receive, apply []string
	var followed []uint32
	for name, l := range now {
		was := before[name]
		switch {
		case name == begin && (was == nil || !was.ended()), name != begin && was != nil && !was.Refused:
			receive, apply = append(receive, name), append(apply, name)
			followed = append(followed, l.Domains...)
		case name == begin, was != nil && was.Applying:
			apply = append(apply, name)
		}
	}
	slices.Sort(receive)
	var errs []error
	run := func(q string) {
		if _, err := c.Query(ctx, q); err != nil {
			errs = append(errs, fmt.Errorf("leaf %s: %w", leaf, err))
		}
	}
	if len(receive) > 0 {
		err = setPositions(ctx, c, func(pos Position, set func(Position) error) error {
			for _, name := range receive {
				if err := set(named(pos, stand, now[name].Domains, known[name])); err != nil {
					return err
				}
				run("START SLAVE " + lit(name) + " IO_THREAD") // has taken the position when it returns
			}
			for _, name := range receive { // what a server that crashes starts all its links from
				for d, at := range known[name] {
					if pos[d].Sequence > at.Sequence {
						pos[d] = at
					}
				}
			}
			stood(pos, stand, followed)
			return set(pos)
		})
		if err != nil {
			return err // from elsewhere they would lack something for ever
		}
	}
	for _, name := range apply {
		run("START SLAVE " + lit(name) + " SQL_THREAD")
	}
	return errors.Join(errs...)
}

// stood puts where a server stands in what it follows into a position.
func stood(pos, stand Position, followed []uint32) {
	for _, d := range followed {
		if at := stand[d]; at.Sequence > 0 {
			pos[d] = at
		} else {
			delete(pos, d)
		}
	}
}

// named is what a link names to its source: where the server stands in what it follows from there, and of all else what the source itself has. A source refuses a link, at once or when it
// comes upon such a domain, that names more or less of what it has, and one that names what it has not got yet and then gets from further on, as by a copy.
// Of a source that has not answered nothing is known: it is named the server's position.
func named(pos, stand Position, follows []uint32, source Position) Position {
	out := maps.Clone(pos)
	if source != nil {
		out = maps.Clone(source)
	}
	stood(out, stand, follows)
	return out
}

// askWithin is how long a source has to tell what it names: one that is away is not to keep others waiting.
const askWithin = 300 * time.Millisecond

// sources asks all sources of a server what they name; those that do not answer are left out. Before the lock of its links: they may be slow. None of them, nor
// those that are about to be sources, forgets domains before begun is called, when the links that name what they said were started.
func (s *Servers) sources(ctx context.Context, leaf string, more ...string) (known map[string]Position, begun func()) {
	all, err := s.Links(ctx, leaf)
	begun = s.naming(append(more, slices.Collect(maps.Keys(all))...))
	if err != nil {
		return nil, begun
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var mu sync.Mutex
	var asked sync.WaitGroup
	out := map[string]Position{}
	for source := range all {
		asked.Go(func() {
			if pos, err := s.names(ctx, source); err == nil {
				mu.Lock()
				out[source] = pos
				mu.Unlock()
			}
		})
	}
	asked.Wait()
	return out, begun
}

// naming is what goes on with what a source names: links that are being made read it, the forgetting of domains changes it.
type naming struct {
	sync.RWMutex
	last time.Time // that a link was begun
}

// askedWithin is Servers.asked in use: a link says that it receives as soon as it has sent what it names.
const askedWithin = 2 * time.Second

func (s *Servers) namingOf(source string) *naming {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.named[source]
	if n == nil {
		n = new(naming)
		s.named[source] = n
	}
	return n
}

// naming keeps sources from forgetting domains until begun is called.
func (s *Servers) naming(sources []string) (begun func()) {
	var all []*naming
	for _, source := range slices.Compact(slices.Sorted(slices.Values(sources))) {
		n := s.namingOf(source)
		n.RLock()
		all = append(all, n)
	}
	return func() {
		s.mu.Lock()
		for _, n := range all {
			n.last = time.Now()
		}
		s.mu.Unlock()
		for _, n := range all {
			n.RUnlock()
		}
	}
}

// forgetting keeps others from making links to a source until end is called; ErrBehind when one is being made, or may not have been looked at by the source.
func (s *Servers) forgetting(source string) (end func(), err error) {
	n := s.namingOf(source)
	if !n.TryLock() { // others go first, and never wait for one that waits
		return nil, fmt.Errorf("a link to leaf %s is being made: %w", source, ErrBehind)
	}
	s.mu.Lock()
	last := n.last
	s.mu.Unlock()
	if time.Since(last) < s.asked {
		n.Unlock()
		return nil, fmt.Errorf("a link to leaf %s was made just now: %w", source, ErrBehind)
	}
	return n.Unlock, nil
}

// ended says whether receiving was ended for good, see DrainReceived.
func (l *Link) ended() bool { return l.Refused && l.Error == "" && l.Applying }
