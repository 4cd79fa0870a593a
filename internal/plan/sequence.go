package plan

import (
	"errors"
	"slices"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// besideSequence is why a statement can't be run that asks a sequence where others' rows are.
const besideSequence = "a sequence beside tables that are not where it is"

// sequencePlan has the partition run a statement where the sequences are that it names, if it needs nothing but those and what every leaf has.
func (p *planner) sequencePlan(plan *Plan, rows bool) error {
	if p.partitioned || p.otherDB != "" || p.far != nil || p.system {
		return NeedsStage(besideSequence)
	}
	plan.Route, plan.Sequence = Route{Kind: RouteOne, DB: p.db}, true
	plan.Forward = p.names()
	plan.Writes, plan.Rows = plan.Writes || p.stmt.Facts&sqltext.HasSequence != 0, rows
	return nil
}

// toSequence plans a statement that writes to a sequence: a row of values sets it, what else there is MariaDB refuses. ok is false for other statements.
func (p *planner) toSequence() (plan *Plan, ok bool, err error) {
	for _, t := range p.stmt.Tables {
		table, _, err := p.lookup(t)
		if err != nil || table == nil || table.Kind != topo.Sequence {
			return nil, false, nil // what is wrong others say
		}
	}
	if len(p.stmt.Tables) == 0 || p.stmt.Insert != nil && p.stmt.Insert.Select != nil {
		return nil, false, nil
	}
	if _, err := p.unseen(); err != nil {
		return nil, false, err
	}
	plan = &Plan{Writes: true}
	return plan, true, p.sequencePlan(plan, p.stmt.Insert != nil && !p.stmt.Insert.Returning.Empty())
}

// unfit says whether an error is that of a statement that can't be run as it is.
func unfit(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.reason != ""
}

// drawn refuses rows that leave a column to a sequence, which would be the shape's. columns are those that the rows have.
func (p *planner) drawn(table *topo.Table, columns []int) error {
	for i := range table.Columns {
		if _, _, ok := table.Columns[i].Sequence(); ok && !slices.Contains(columns, i) {
			return NeedsStage("the next value of a sequence as the default of column '" + table.Columns[i].Name + "' in this form of statement")
		}
	}
	return nil
}
