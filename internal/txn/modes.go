package txn

import (
	"github.com/orbweaver/orbweaver/internal/backend"
)

// Isolation is an isolation level as SQL spells it: "READ COMMITTED"; "" is the session's.
type Isolation string

// Modes modify a transaction.
type Modes struct {
	ReadOnly  bool
	ReadWrite bool // said explicitly
	Snapshot  bool // WITH CONSISTENT SNAPSHOT
	Isolation Isolation
}

// Mode is what the session promises of transactions over several places.
type Mode uint8

// The modes.
const (
	// Atomic transactions commit everywhere or nowhere.
	Atomic Mode = iota
	// Multi transactions commit at one place after the other. One that fails in the midst of it is committed in part, of which its client hears.
	Multi
	// Single transactions are atomic and stay at one partition or remote server: a second one is refused.
	Single
)

// SetMode is for the transactions that begin from now on.
func (s *Session) SetMode(m Mode) {
	s.mu.Lock()
	s.mode = m
	s.mu.Unlock()
}

// begin opens a transaction; no leaf hears of it yet.
func (s *Session) begin(m Modes) {
	if n := s.next; n != nil {
		if m.Isolation == "" {
			m.Isolation = n.Isolation
		}
		if !m.ReadOnly && !m.ReadWrite {
			m.ReadOnly, m.ReadWrite = n.ReadOnly, n.ReadWrite
		}
		s.next = nil
	}
	if state, ok := s.state.Get("tx_read_only"); ok && !m.ReadOnly && !m.ReadWrite {
		m.ReadOnly = state == "tx_read_only=1"
	}
	s.open, s.modes, s.xa = true, m, xaState{mode: s.mode}
}

// queue sends the beginning of an ordinary transaction ahead of the connection's next command.
func (m Modes) queue(c *backend.Conn) {
	if m.Isolation != "" {
		c.Queue("SET TRANSACTION ISOLATION LEVEL " + string(m.Isolation))
	}
	begin := "START TRANSACTION"
	if m.Snapshot {
		begin += " WITH CONSISTENT SNAPSHOT"
		if m.ReadOnly || m.ReadWrite {
			begin += ","
		}
	}
	switch {
	case m.ReadOnly:
		begin += " READ ONLY"
	case m.ReadWrite:
		begin += " READ WRITE"
	}
	c.Queue(begin)
}

// queueBranch sends the beginning of a branch ahead of the connection's next command.
func (m Modes) queueBranch(c *backend.Conn, x XID, leaf bool) {
	if m.Isolation != "" || m.ReadWrite || m.ReadOnly {
		c.Queue(m.set())
	}
	c.Queue("XA START " + x.SQL())
	if m.Snapshot && leaf { // XA START takes no modifiers. A remote server's view is made by the first statement there, which follows.
		c.Queue("CALL orbweaver.snapshot()")
	}
}

// set is SET TRANSACTION for one statement, or for the transaction that follows.
func (m Modes) set() string {
	text, comma := "SET TRANSACTION ", ""
	if m.Isolation != "" {
		text, comma = text+"ISOLATION LEVEL "+string(m.Isolation), ", "
	}
	switch {
	case m.ReadOnly:
		text += comma + "READ ONLY"
	case m.ReadWrite:
		text += comma + "READ WRITE"
	}
	return text
}
