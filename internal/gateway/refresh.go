package gateway

import (
	"context"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// The commands of mariadb-admin that are no statements.

// refreshes are the bits of COM_REFRESH in the order in which MariaDB looks at them, and the statements that do the same. It has others, which do nothing.
var refreshes = []struct {
	bit byte
	sql string
}{
	{1, "FLUSH PRIVILEGES"}, {2, "FLUSH LOGS"}, {4, "FLUSH TABLES"}, {8, "FLUSH HOSTS"}, {16, "FLUSH STATUS"}, {128, "RESET MASTER"}, {64, "RESET SLAVE"},
}

// refresh is COM_REFRESH.
func (s *session) refresh(packet []byte) error {
	if len(packet) < 2 {
		return s.malformed()
	}
	ctx := s.query()
	s.warnings = s.warnings[:0]
	return s.answer(ctx, s.atHome(ctx, func() error { return s.refreshed(ctx, packet[1]) }))
}

func (s *session) refreshed(ctx context.Context, bits byte) error {
	if may, err := s.hasRight(ctx, reloadRight); err != nil {
		return err
	} else if !may {
		return noReload()
	}
	for _, r := range refreshes {
		if bits&r.bit == 0 {
			continue
		}
		out := &kept{capture: capture{caps: s.out.Caps()}}
		if err := s.rewritten(ctx, []byte(r.sql), source{out: out}); err != nil {
			return err
		}
	}
	return nil
}

// debug is COM_DEBUG: a server writes its state into its log, and so does the node.
func (s *session) debug() error {
	ctx := s.query()
	may, err := s.hasRight(ctx, superRight)
	switch {
	case err != nil:
		return s.failed(ctx, err)
	case !may:
		return s.failed(ctx, wire.Errorf(wire.ErSpecificAccessDenied, "Access denied; you need (at least one of) the SUPER privilege(s) for this operation"))
	}
	st := s.g.Stats()
	s.g.cfg.Log.Info("a client asked for the node's state", "session", s.id, "connections", st.Connections, "running", st.Running, "statements", st.Statements, "errors", st.Errors,
		"plans_cached", st.PlansCached, "slowest_running_ms", st.SlowestRunning)
	return s.conn.FinishPacket(wire.AppendEOF(s.conn.StartPacket(), s.out.Caps(), &wire.OK{Status: s.out.Status()}))
}

// shutdown refuses SHUTDOWN and COM_SHUTDOWN: as a leaf does where the account lacks the right.
func (s *session) shutdown(ctx context.Context) error {
	var answer error
	err := s.atLeaf(ctx, s.home, "", func(c *backend.Conn) error {
		answer = c.AskShutdown(ctx)
		return nil
	})
	if err != nil {
		return err
	}
	if e := serverError(ctx, answer); e.Code != wire.ErNotSupported {
		return e
	}
	return unsupported("SHUTDOWN", "a client does not end nodes or leaves: end the node's process by SIGTERM, take a leaf out by REMOVE LEAF")
}
