package backend

// stmtCache knows what a connection has prepared. A statement belongs to the database and the settings it was prepared under: names and literals
// were read with them.
type stmtCache struct {
	max    int
	scopes map[stmtScope]map[string]*stmt
	size   int
	// The list of use, most recent first; a ring through root.
	root stmt
	// closing are ids whose COM_STMT_CLOSE goes out with the next write.
	closing []uint32
	// next is the id that the leaf will probably give to the next statement.
	next uint32
}

type stmtScope struct {
	schema string
	env    uint64 // State.env: without user variables
}

type stmt struct {
	id         uint32
	scope      stmtScope
	text       string
	prev, more *stmt
}

func newStmtCache(max int) *stmtCache {
	s := &stmtCache{max: max, scopes: map[stmtScope]map[string]*stmt{}, next: 1}
	s.root.prev, s.root.more = &s.root, &s.root
	return s
}

// find gives the id of a statement and marks it as used.
func (s *stmtCache) find(scope stmtScope, text string) (id uint32, ok bool) {
	st := s.scopes[scope][text]
	if st == nil {
		return 0, false
	}
	st.unlink()
	s.front(st)
	return st.id, true
}

// add remembers a statement; when there are too many the one that was unused for the longest is to be closed.
func (s *stmtCache) add(scope stmtScope, text string, id uint32) {
	m := s.scopes[scope]
	if m == nil {
		m = map[string]*stmt{}
		s.scopes[scope] = m
	}
	if old := m[text]; old != nil {
		s.drop(old)
	}
	if s.size >= s.max {
		s.drop(s.root.prev)
	}
	st := &stmt{id: id, scope: scope, text: text}
	if s.scopes[scope] == nil { // drop took the scope's last statement
		s.scopes[scope] = m
	}
	m[text] = st
	s.front(st)
	s.size++
}

func (s *stmtCache) drop(st *stmt) {
	st.unlink()
	m := s.scopes[st.scope]
	delete(m, st.text)
	if len(m) == 0 {
		delete(s.scopes, st.scope)
	}
	s.closing = append(s.closing, st.id)
	s.size--
}

// handOver is a cache for another use of the connection: without statements, which are to be closed, and going on with their numbers. An id that
// was foretold must never be one that is taken.
func (s *stmtCache) handOver() *stmtCache {
	out := newStmtCache(s.max)
	out.next, out.closing = s.next, s.closing
	for st := s.root.more; st != &s.root; st = st.more {
		out.closing = append(out.closing, st.id)
	}
	return out
}

// reset is for COM_RESET_CONNECTION: the leaf has closed them all.
func (s *stmtCache) reset() {
	clear(s.scopes)
	s.size, s.closing = 0, s.closing[:0]
	s.root.prev, s.root.more = &s.root, &s.root
}

func (s *stmtCache) front(st *stmt) {
	st.prev, st.more = &s.root, s.root.more
	st.prev.more, st.more.prev = st, st
}

func (st *stmt) unlink() {
	st.prev.more, st.more.prev = st.more, st.prev
	st.prev, st.more = nil, nil
}
