package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/settle"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/txn"
)

// xaRow is a transaction over several places that is prepared, in doubt, or decided and not finished.
type xaRow struct {
	format  int64
	gtrid   []byte
	bqual   []byte
	outcome catalog.Outcome
	members []catalog.Member
}

// columns are those with which all of Spider's tables on XA begin.
func xaColumns(format int64, gtrid, bqual []byte) []any {
	return []any{strconv.FormatInt(format, 10), strconv.Itoa(len(gtrid)), strconv.Itoa(len(bqual)), append(slices.Clone(gtrid), bqual...)}
}

// xaStatus is Spider's word for an outcome.
func xaStatus(o catalog.Outcome) string {
	switch o {
	case catalog.Committed:
		return "COMMIT"
	case catalog.RolledBack:
		return "ROLLBACK"
	}
	return "PREPARED"
}

// xaRows are the clients' own transactions, by the catalog, and those of the cluster that servers list as prepared. Members of the latter are the branches that
// wait.
func (s *session) xaRows(ctx context.Context) ([]xaRow, error) {
	all, err := s.decisions(ctx)
	if err != nil {
		return nil, err
	}
	var rows []xaRow
	outcomes := map[string]catalog.Outcome{}
	clients := map[string]bool{}
	for _, d := range all {
		outcomes[d.ID] = d.Outcome
		if d.XA == nil {
			continue
		}
		clients[d.ID] = true
		if !d.Finished {
			rows = append(rows, xaRow{d.XA.Format, d.XA.Gtrid, d.XA.Bqual, d.Outcome, d.Members})
		}
	}
	if s.g.settler == nil {
		return rows, nil
	}
	at := map[txn.ID]int{}
	seen := s.g.settler.Look(ctx).Seen
	slices.SortFunc(seen, func(a, b settle.Seen) int { return int(int64(a.XID.Seq - b.XID.Seq)) })
	for _, b := range seen {
		id := b.XID.ID.String()
		if clients[id] {
			continue
		}
		i, ok := at[b.XID.ID]
		if !ok {
			i = len(rows)
			at[b.XID.ID] = i
			rows = append(rows, xaRow{format: txn.XIDFormat, gtrid: []byte(b.XID.Gtrid()), outcome: outcomes[id]})
		}
		rows[i].members = append(rows[i].members, memberOf(txn.Branch{XID: b.XID, Place: txn.Place{Leaf: b.Leaf, Remote: b.Remote}}))
	}
	return rows, nil
}

// decisions are the catalog's, or while etcd is away what was last seen of them.
func (s *session) decisions(ctx context.Context) ([]*catalog.Decision, error) {
	all, err := s.g.cfg.Catalog.Decisions(ctx)
	if errors.Is(err, catalog.ErrUnavailable) {
		return s.g.cfg.Catalog.KnownDecisions(), nil
	}
	return all, err
}

// spiderXA are the rows of mysql.spider_xa.
func spiderXA(ctx context.Context, s *session, _ *topo.Snapshot) ([][]any, error) {
	all, err := s.xaRows(ctx)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	for i := range all {
		rows = append(rows, append(xaColumns(all[i].format, all[i].gtrid, all[i].bqual), xaStatus(all[i].outcome)))
	}
	return rows, nil
}

// spiderXAMember are the rows of mysql.spider_xa_member.
func spiderXAMember(ctx context.Context, s *session, snap *topo.Snapshot) ([][]any, error) {
	all, err := s.xaRows(ctx)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	for i := range all {
		for j := range all[i].members {
			rows = append(rows, append(xaColumns(all[i].format, all[i].gtrid, all[i].bqual), memberColumns(&all[i].members[j], snap)...))
		}
	}
	return rows, nil
}

// memberColumns are a member's, from scheme to driver.
func memberColumns(m *catalog.Member, snap *topo.Snapshot) []any {
	host, port, socket := addressOf(m, snap)
	return []any{"mysql", host, port, socket, orNull(m.User), nil, nil, nil, nil, nil, nil, "0", nil, nil, nil, nil, nil}
}

// spiderXAFailedLog are the rows of mysql.spider_xa_failed_log.
func spiderXAFailedLog(ctx context.Context, s *session, snap *topo.Snapshot) ([][]any, error) {
	all, err := s.g.cfg.Catalog.FailedBranches(ctx)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	for i := range all {
		f := &all[i]
		xid := catalog.XID{Format: txn.XIDFormat}
		if f.XA != nil {
			xid = *f.XA
		} else if id, err := txn.ParseID(f.ID); err == nil {
			xid.Gtrid = []byte(txn.XID{ID: id}.Gtrid())
		}
		row := append(xaColumns(xid.Format, xid.Gtrid, xid.Bqual), memberColumns(&f.Member, snap)...)
		rows = append(rows, append(row, strconv.FormatInt(int64(int32(f.Member.Thread)), 10), xaStatus(f.Outcome), f.At))
	}
	return rows, s.localTimes(ctx, rows)
}

// localTimes makes the times at the ends of rows what they are in the session's time zone, which a leaf knows.
func (s *session) localTimes(ctx context.Context, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	var b strings.Builder
	b.WriteString("CONCAT_WS('/'")
	for _, row := range rows {
		if at, ok := row[len(row)-1].(time.Time); ok {
			fmt.Fprintf(&b, ", FROM_UNIXTIME(%d)", at.Unix())
		}
	}
	v, err := s.evaluate(ctx, b.String()+")")
	if err != nil {
		return err
	}
	for i, text := range strings.SplitN(v.text, "/", len(rows)) {
		rows[i][len(rows[i])-1] = text
	}
	return nil
}

// latinJSON is a JSON string in latin1: of bytes as they are, or of a text, with what is not ASCII as \u….
func latinJSON(dst []byte, v any) []byte {
	dst = append(dst, '"')
	escape := func(u uint16) {
		dst = append(dst, '\\', 'u', hexDigit(u>>12), hexDigit(u>>8), hexDigit(u>>4), hexDigit(u))
	}
	plain := func(c byte) bool { return c >= ' ' && c < 0x7f && c != '"' && c != '\\' }
	if b, ok := v.([]byte); ok {
		for _, c := range b {
			if plain(c) || c >= 0x80 {
				dst = append(dst, c)
			} else {
				escape(uint16(c))
			}
		}
		return append(dst, '"')
	}
	for _, r := range valueText(v) {
		switch {
		case r < 0x80 && plain(byte(r)):
			dst = append(dst, byte(r))
		case r < 0x10000:
			escape(uint16(r))
		default:
			high, low := utf16.EncodeRune(r)
			escape(uint16(high))
			escape(uint16(low))
		}
	}
	return append(dst, '"')
}

func hexDigit(u uint16) byte { return "0123456789abcdef"[u&15] }

// latinRows is jsonRows with latinJSON, as SQL. All values but NULL are strings.
func latinRows(rows [][]any) string {
	doc := []byte{'['}
	for n, row := range rows {
		if n > 0 {
			doc = append(doc, ',')
		}
		doc = append(doc, '[')
		for i, v := range row {
			if i > 0 {
				doc = append(doc, ',')
			}
			if v == nil {
				doc = append(doc, "null"...)
			} else {
				doc = latinJSON(doc, v)
			}
		}
		doc = append(doc, ']')
	}
	return "CONVERT(x'" + hex.EncodeToString(append(doc, ']')) + "' USING latin1)"
}
