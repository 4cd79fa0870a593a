package txn

import (
	"context"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// erNoSavepoint is ER_SP_DOES_NOT_EXIST, as MariaDB says it of savepoints.
const erNoSavepoint = 1305

// quote makes an identifier.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// Savepoint sets a savepoint at every held partition, and at those that join later. name is without quotes.
func (s *Session) Savepoint(ctx context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		if s.autocommit {
			return nil // as MariaDB: it has no effect
		}
		// It is there when a statement begins the transaction.
	}
	if _, err := s.everywhere(ctx, "SAVEPOINT "+quote(name)); err != nil {
		return err
	}
	if i := s.savepoint(name); i >= 0 {
		s.savepoints = append(s.savepoints[:i:i], s.savepoints[i+1:]...)
	}
	s.savepoints = append(s.savepoints, savepoint{name, len(s.changes)})
	return nil
}

// RollbackTo rolls back to a savepoint; 1305 when there is none.
func (s *Session) RollbackTo(ctx context.Context, name string) (OK, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.savepoint(name)
	if i < 0 {
		return OK{}, wire.Errorf(erNoSavepoint, "SAVEPOINT %s does not exist", name)
	}
	ok, err := s.everywhere(ctx, "ROLLBACK TO SAVEPOINT "+quote(name))
	if err != nil {
		return OK{}, err
	}
	s.changes = s.changes[:s.savepoints[i].changes]
	s.savepoints = s.savepoints[: i+1 : i+1]
	return ok, nil
}

// ReleaseSavepoint forgets a savepoint and those after it; 1305 when there is none.
func (s *Session) ReleaseSavepoint(ctx context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.savepoint(name)
	if i < 0 {
		return wire.Errorf(erNoSavepoint, "SAVEPOINT %s does not exist", name)
	}
	if _, err := s.everywhere(ctx, "RELEASE SAVEPOINT "+quote(name)); err != nil {
		return err
	}
	s.savepoints = s.savepoints[:i:i]
	return nil
}

func (s *Session) savepoint(name string) int {
	for i := range s.savepoints {
		if strings.EqualFold(s.savepoints[i].name, name) {
			return i
		}
	}
	return -1
}

// everywhere runs a statement at every part of the transaction, at the same time. A part that refuses or is lost ends the transaction: the parts
// would differ. The caller holds mu.
func (s *Session) everywhere(ctx context.Context, sql string) (OK, error) {
	parts := s.parts()
	for _, h := range parts {
		if err := h.conn.Send(wire.ComQuery, []byte(sql)); err != nil {
			h.busy = false
			return OK{}, s.lose(&LostError{Place: h.place, Err: err})
		}
	}
	var ok OK
	var failed *LostError
	for _, h := range parts {
		err := answered(h.conn)
		if err == nil {
			err = ok.warnedBy(ctx, h.conn, h.conn.Warnings)
		}
		if err != nil && failed == nil {
			failed = &LostError{Place: h.place, Err: err}
		}
	}
	if failed != nil {
		return OK{}, s.lose(failed)
	}
	return ok, nil
}

// warnedBy asks a part of what it has warned. One is enough: that not all was rolled back is true of the whole.
func (ok *OK) warnedBy(ctx context.Context, c *backend.Conn, n uint16) error {
	if n == 0 || ok.Notes != nil {
		return nil
	}
	res, err := c.Query(ctx, "SHOW WARNINGS")
	if err == nil {
		ok.Warnings, ok.Notes = n, res.Rows
	}
	return err
}

// answered reads an answer without rows.
func answered(c *backend.Conn) error {
	for !c.Done() {
		p, err := c.Next()
		if err != nil {
			return err
		}
		if e := p.Err(); e != nil {
			return e
		}
	}
	return nil
}
