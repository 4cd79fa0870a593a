package txn

import "slices"

// Wrote says whether the open transaction may have written anything that others see: not only to temporary tables.
func (s *Session) Wrote() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open && slices.ContainsFunc(s.held, func(h *held) bool {
		return h.inTx && h.wrote && (h.shaped || h.place.Partition.DB != "" || h.place.Remote != nil)
	})
}
