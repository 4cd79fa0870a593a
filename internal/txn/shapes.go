package txn

import "slices"

// WroteShapes says whether the open transaction may have written reference tables. They are written on connections of their own, so that partitions' connections do not see it.
func (s *Session) WroteShapes() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wroteShapes()
}

// wroteShapes is WroteShapes for who holds mu.
func (s *Session) wroteShapes() bool {
	return s.open && slices.ContainsFunc(s.held, func(h *held) bool { return h.inTx && h.shaped })
}

// shaping says whether the statement that runs writes reference tables at a place.
func (s *Session) shaping(p Place) bool { return p.shape() && s.shapes.Load() }

// Shapes says that what runs until it is taken back writes reference tables: places that are no partition are committed to as well.
func (s *Session) Shapes(on bool) { s.shapes.Store(on) }
