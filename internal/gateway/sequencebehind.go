package gateway

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// What an INSERT asks of sequences behind its rows: in RETURNING, of one row, whose values are known before; and in ON DUPLICATE KEY UPDATE, where a value may be asked for only once a row is met.

// oneRow says whether an INSERT has one row, which is inserted unless it fails.
func oneRow(in *sqltext.Insert) bool {
	return in.Select == nil && (len(in.Rows) == 1 || len(in.Set) > 0)
}

// behindRows adds to the requests of rows those of what follows, and counts the calls there.
func (s *session) behindRows(in *sqltext.Insert, uses []sequenceUse, scan *sqltext.Scan, all []request, n int) ([]request, int, error) {
	within := func(span sqltext.Span) (found []sequenceUse) {
		for _, u := range uses {
			if span.From <= u.Span.From && u.Span.To <= span.To {
				found = append(found, u)
			}
		}
		return found
	}
	asked := map[*topo.Table]bool{}
	for i := range all {
		if all[i].computed != nil { // which ones it does not say
			for _, u := range within(all[i].computed.ExprSpan()) {
				asked[u.of] = true
			}
		}
		asked[all[i].of] = true
	}
	for i := range in.OnDup {
		value := in.OnDup[i].Value
		found := within(value.ExprSpan())
		if len(found) == 0 {
			continue
		}
		known := n
		if slices.ContainsFunc(found, func(u sequenceUse) bool { return u.Name != "NEXTVAL" }) || !certain(value, uses, &n) || n != known+len(found) {
			return nil, 0, unsupported("NEXTVAL", "in ON DUPLICATE KEY UPDATE where it is not certain to be asked for a row that is met, or with LASTVAL: SELECT NEXTVAL(s) before, and use the value")
		}
		for _, u := range found {
			if asked[u.of] && !oneRow(in) {
				return nil, 0, unsupported("NEXTVAL", "in ON DUPLICATE KEY UPDATE, of a sequence that gives values to several rows, too: INSERT them one by one")
			}
			all = append(all, request{from: u.Span.From, to: u.Span.To, before: "NULL"})
		}
	}
	for i := range in.Items {
		item := &in.Items[i]
		if item.Expr == nil {
			continue
		}
		found := within(item.Expr.ExprSpan())
		if len(found) == 0 {
			continue
		}
		next := slices.ContainsFunc(found, func(u sequenceUse) bool { return u.Name == "NEXTVAL" })
		if !oneRow(in) || next && in.Ignore || !certain(item.Expr, uses, &n) {
			return nil, 0, unsupported(found[0].Name, "in RETURNING, but of one row of VALUES without IGNORE, where it is certain to be asked, and LASTVAL of a sequence that the statement does not ask: SELECT LASTVAL(s) or NEXTVAL(s) in a statement of its own")
		}
		for _, u := range found {
			all = append(all, request{of: u.of, last: u.Name == "LASTVAL", item: true, from: u.Span.From, to: u.Span.To})
		}
		if item.Alias.Tok < 0 {
			all = append(all, request{from: item.Span.To, to: item.Span.To, before: " AS " + quoteName(string(scan.Text(item.Span)))})
		}
	}
	return all, n, nil
}

// meetsRows says whether rows of a table are inserted by a plan, which knows of values for those that are met.
func (s *session) meetsRows(n *sqltext.TableName, snap *topo.Snapshot) bool {
	if n == nil || s.isTemporary(n) {
		return false
	}
	k := s.keyOf(n)
	t := snap.Table(k.db, k.table)
	return t != nil && t.Kind != topo.Sequence
}

// metDraws are the places in ON DUPLICATE KEY UPDATE that stand for values of sequences, by their distance from the statement's end: a NULL each.
func metDraws(stmt *sqltext.Stmt, uses []sequenceUse) (met []plan.MetDraw) {
	behind := int32(0) // how many tokens more the calls behind have than what stands for them
	for _, u := range slices.Backward(uses) {
		in := func(a sqltext.Assign) bool { return a.Span.From <= u.Span.From && u.Span.To <= a.Span.To }
		if !slices.ContainsFunc(stmt.Insert.OnDup, in) {
			continue
		}
		met = append(met, plan.MetDraw{At: stmt.Span.To - u.Span.To - behind, DB: u.of.DB, Sequence: u.of.Name})
		behind += u.Span.To - u.Span.From - 1
	}
	slices.Reverse(met)
	return met
}
