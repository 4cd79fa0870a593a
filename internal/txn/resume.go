package txn

// ResumeXA takes EndXA back: statements may come again.
func (s *Session) ResumeXA() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.xa.ended = false
}
