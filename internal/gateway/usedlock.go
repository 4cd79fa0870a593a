package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// usedLocks has IS_USED_LOCK(…) give sessions' ids in the place of those that their connections have at the leaf of such locks; nil where it is not called. Who gets a lock after the
// list was made is not in it: then NULL is told, as the lock was free meanwhile.
func (s *session) usedLocks(ctx context.Context, scan *sqltext.Scan, stmt *sqltext.Stmt) ([]byte, error) {
	if stmt.Facts&sqltext.HasLockFunction == 0 || stmt.Kind == sqltext.KindDDL {
		return nil, nil
	}
	var calls []sqltext.Span
	for i := int32(0); int(i) < len(scan.Tokens)-1; i++ {
		if isWord(scan, i, "IS_USED_LOCK") && isOp(scan, i+1, "(") {
			calls = append(calls, sqltext.Span{From: i, To: closing(scan, i+1) + 1})
		}
	}
	if len(calls) == 0 {
		return nil, nil
	}
	leaves := s.g.cfg.Catalog.Snapshot().AttachedLeaves()
	if len(leaves) == 0 {
		return nil, topo.NoOnlineLeaf()
	}
	s.home = leaves[0].Name
	if err := s.tx.Pin(ctx, s.place(), txn.PinNamed); err != nil { // the statement may take the lock itself, before it asks
		return nil, err
	}
	holders, err := s.lockHolders(ctx)
	if err != nil {
		return nil, err
	}
	var when strings.Builder
	if s.id <= mostNarrow {
		fmt.Fprintf(&when, " WHEN 0 THEN %d", mostNarrow) // no thread is 0: the column is as wide as MariaDB's
	}
	for _, thread := range slices.Sorted(maps.Keys(holders)) {
		fmt.Fprintf(&when, " WHEN %d THEN %d", thread, holders[thread])
	}
	items := selectItems(stmt)
	var edits []edit
	for _, call := range calls {
		edits = append(edits, edit{call.From, call.From, " (CASE "}, edit{call.To, call.To, when.String() + " END)"})
		if item := itemAt(items, call.From); item != nil && item.Alias.Tok < 0 {
			edits = append(edits, edit{item.Span.To, item.Span.To, " AS " + quoteName(string(scan.Text(item.Span)))})
		}
	}
	return apply(scan, edits), nil
}

const mostNarrow = 999_999_999

// lockHolders are the sessions of all nodes that hold a connection for locks, by that connection's id at its leaf.
func (s *session) lockHolders(ctx context.Context) (map[uint64]uint32, error) {
	all := s.g.lockHoldersHere(s.home)
	peers := s.g.peers()
	if len(peers) == 0 {
		return all, nil
	}
	within, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	answers, asked := s.g.cfg.Node.Ask(within, topicLocks, []byte(s.home), peers...)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for _, p := range peers {
		text, answered := answers[p.ID]
		if now, lives := s.g.peerOf(uint64(p.ID) << idBits); !answered && !(lives && now.Lease == p.Lease) {
			continue // its sessions have died with it
		} else if !answered {
			return nil, wire.Errorf(wire.ErUnknown, "Node %s did not answer within %s: its sessions may have the lock%s", p.Name, askWithin, because(asked))
		}
		if err := json.Unmarshal(text, &all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// lockHoldersHere are those of this node.
func (g *Gateway) lockHoldersHere(leaf string) map[uint64]uint32 {
	holders := map[uint64]uint32{}
	for _, s := range g.all() {
		if s.loggedIn.Load() {
			if thread, ok := s.tx.PinnedThread(leaf, txn.PinNamed); ok {
				holders[thread] = s.id
			}
		}
	}
	return holders
}
