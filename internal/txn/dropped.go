package txn

import "context"

// Dropped takes the default database, which was dropped, from the connections that are held: what they hold they keep. One from which it can't be taken is told by the next statement there.
func (s *Session) Dropped(ctx context.Context, schema string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.held {
		if h.busy || h.conn == nil || h.conn.Broken() || h.place.Schema != schema || h.place.Partition.DB != "" || h.place.Remote != nil {
			continue
		}
		p := h.place
		p.Schema = ""
		whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), repairTimeout)
		if err := h.conn.Retarget(whole, s.want(p)); err == nil {
			h.place.Schema = ""
		}
		cancel()
	}
}
