package mariadb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
	"github.com/orbweaver/orbweaver/internal/xid"
)

// MariaDB's errors about branches.
const (
	erNoBranch   = 1397 // there is no such branch, or another connection has it
	erRolledBack = 1402 // it was rolled back: it had nothing to commit
)

// Branches are the branches of transactions over several places that a server has prepared.
func (s *Servers) Branches(ctx context.Context, leaf string) ([]xid.XID, error) {
	c, err := s.conn(ctx, leaf)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	return Branches(ctx, c)
}

// Branches are those of the server that a connection leads to.
func Branches(ctx context.Context, c *backend.Conn) ([]xid.XID, error) {
	res, err := c.Query(ctx, "XA RECOVER")
	if err != nil {
		return nil, fmt.Errorf("leaf %s: %w", c.Leaf(), err)
	}
	var out []xid.XID
	for _, row := range res.Rows {
		if x, ours := xid.Listed(row); ours {
			out = append(out, x)
		}
	}
	return out, nil
}

// discardWithin bounds how long branches are waited for that connections have which are just ending.
const discardWithin = 5 * time.Second

// Discard rolls back the prepared branches that which is true of, at this server alone: no log has it, and no replica does it. For copies that are given up, whose
// tables can't be dropped else, and for what nobody else has.
func (s *Servers) Discard(ctx context.Context, leaf string, which func(xid.XID) bool) error {
	c, err := s.conn(ctx, leaf)
	if err != nil {
		return err
	}
	defer c.Release()
	return discard(ctx, c, which)
}

// ErrNotReconciled: a server was started anew, and what it lists as prepared may not be what its binary log says.
var ErrNotReconciled = errors.New("the server was started anew, and was not brought in line with its binary log yet")

// DiscardStrays is Discard at a server whose list is to be believed: ErrNotReconciled, and nothing is done, when it was started anew meanwhile and may list what its log has ended.
func (s *Servers) DiscardStrays(ctx context.Context, leaf string, which func(xid.XID) bool) error {
	c, err := s.conn(ctx, leaf)
	if err != nil {
		return err
	}
	defer c.Release()
	switch done, err := isReconciled(ctx, c); {
	case err != nil:
		return err
	case !done:
		return fmt.Errorf("leaf %s: %w", leaf, ErrNotReconciled)
	}
	return discard(ctx, c, which)
}

func discard(ctx context.Context, c *backend.Conn, which func(xid.XID) bool) error {
	ctx, cancel := context.WithTimeout(ctx, discardWithin)
	defer cancel()
	for {
		all, err := Branches(ctx, c)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(x xid.XID) bool { return !which(x) })
		if len(all) == 0 {
			return nil
		}
		if err := do(ctx, c, unlogged); err != nil {
			return err
		}
		held := false
		for _, x := range all {
			// Before: what has no end in the log, and is gone, would be taken for lost after a crash.
			if err := keep(ctx, c, discarded, x.Branch()); err != nil {
				return err
			}
			ended, err := endBranch(ctx, c, "XA ROLLBACK ", x)
			if err != nil {
				return err
			}
			held = held || !ended
		}
		if !held {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("leaf %s: a connection still has the branch %s: %w", c.Leaf(), all[0].SQL(), ctx.Err())
		}
	}
}

// DiscardCopy rolls back what is prepared in a server's copy of a partition, at this server alone: the copy is given up.
func (s *Servers) DiscardCopy(ctx context.Context, leaf, schema string) error {
	i := strings.LastIndexByte(schema, '_')
	if i < 0 {
		return nil // a shape
	}
	ordinal, err := strconv.Atoi(schema[i+1:])
	if err != nil {
		return nil
	}
	place := xid.PlaceHash(topo.PartitionID{DB: schema[:i], Ordinal: ordinal})
	return s.Discard(ctx, leaf, func(x xid.XID) bool { return x.Place == place })
}

// endBranch ends one branch. false: it is not there, or is another connection's.
func endBranch(ctx context.Context, c *backend.Conn, verb string, x xid.XID) (ended bool, err error) {
	_, err = c.Query(ctx, verb+x.SQL())
	var refused *wire.ServerError
	switch {
	case err == nil:
	case !errors.As(err, &refused):
		return false, fmt.Errorf("leaf %s: %w", c.Leaf(), err)
	case refused.Code == erNoBranch:
		return false, nil
	case refused.Code != erRolledBack:
		return false, fmt.Errorf("leaf %s: %s%s: %w", c.Leaf(), verb, x.SQL(), err)
	}
	return true, nil
}
