package gateway

import (
	"context"

	"github.com/orbweaver/orbweaver/internal/ddl"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// exchange moves the rows of EXCHANGE PARTITION, in a transaction of its own.
func (s *session) exchange(ctx context.Context, t, with *topo.Table, partition string) error {
	end, err := s.ownTransaction(ctx, txn.Modes{Isolation: "REPEATABLE READ"}) // which keeps others from adding rows
	if err != nil {
		return err
	}
	return end(s.exchanged(ctx, t, with, partition))
}

func (s *session) exchanged(ctx context.Context, t, with *topo.Table, partition string) error {
	const what = "ALTER TABLE … EXCHANGE PARTITION"
	move, back, probes := ddl.ExchangeText(t, with, partition)
	var has [3]bool
	for i, probe := range probes {
		if probe == "" {
			continue
		}
		got := capture{caps: s.out.Caps()}
		if err := s.rewritten(ctx, []byte(probe), source{out: &got}); err != nil {
			return err
		}
		has[i] = len(got.rows) > 0
	}
	switch {
	case has[2] && !s.sess.NoAutoValueOnZero:
		return unsupported(what, "there are rows with 0 in the AUTO_INCREMENT column: SET sql_mode with NO_AUTO_VALUE_ON_ZERO before")
	case has[0] && has[1]:
		return unsupported(what, "the partition and the table both have rows: exchange it with an empty table before")
	case has[0]:
		move = back
	case !has[1]:
		return nil
	}
	var rows [2]uint64
	for i, text := range move {
		got := kept{capture: capture{caps: s.out.Caps()}}
		if err := s.rewritten(ctx, []byte(text), source{out: &got}); err != nil {
			return err
		}
		if got.ok.Warnings > 0 {
			return unsupported(what, "there are rows that can't be written again as they are")
		}
		rows[i] = got.ok.AffectedRows
	}
	if rows[0] != rows[1] {
		return wire.Errorf(1205, "Rows were added while the partition was exchanged; try again")
	}
	return nil
}
