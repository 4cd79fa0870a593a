package gateway

import (
	"context"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// dropsOthers are the tables of a DROP TABLE that are no temporary ones, where it has both; nil where it has not.
func (s *session) dropsOthers(d *sqltext.DDL) []*sqltext.TableName {
	if d.Temporary || d.Object != "TABLE" {
		return nil
	}
	others := slices.DeleteFunc(slices.Clone(d.Tables), s.isTemporary)
	if len(others) == len(d.Tables) {
		return nil
	}
	return others
}

// dropBoth is DROP TABLE of temporary tables and others. The temporary ones go first; what the answer is, and which tables are unknown, the others say.
func (s *session) dropBoth(ctx context.Context, scan *sqltext.Scan, d *sqltext.DDL, others []*sqltext.TableName, src source) error {
	if err := s.commitFirst(ctx); err != nil {
		return err
	}
	var alive []string
	for _, t := range d.Tables {
		if s.temps.tables[s.keyOf(t)] {
			alive = append(alive, string(scan.Text(t.Span)))
		}
	}
	if len(alive) > 0 {
		s.tx.Bare(true) // it begins no transaction
		_, err := s.runTemporary(ctx, "DROP TEMPORARY TABLE "+strings.Join(alive, ", "))
		s.tx.Bare(false)
		if err != nil {
			return err
		}
	}
	for _, t := range d.Tables {
		delete(s.temps.tables, s.keyOf(t)) // what was lost with its connection, too
	}
	if err := s.unpinTemporary(ctx, nil); err != nil {
		return err
	}
	names := make([]string, len(others))
	for i, t := range others {
		names[i] = string(scan.Text(t.Span))
	}
	all := sqltext.Span{From: d.Tables[0].Span.From, To: d.Tables[len(d.Tables)-1].Span.To}
	return s.rewritten(ctx, apply(scan, []edit{{all.From, all.To, strings.Join(names, ", ")}}), src)
}
