package ddl

import (
	"context"
	"errors"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// exchanges is the EXCHANGE PARTITION of an ALTER TABLE; nil when it is another one.
func (j *job) exchanges() *sqltext.AlterAction {
	for i := range j.d.Actions {
		if a := &j.d.Actions[i]; a.Verb == "EXCHANGE PARTITION" && a.To != nil && len(a.Partitions) == 1 && len(j.d.Actions) == 1 {
			return a
		}
	}
	return nil
}

// exchange is ALTER TABLE … EXCHANGE PARTITION … WITH TABLE. A shape says whether the tables are alike: both are empty there. Their rows then move in one transaction, as an exchange at each
// partition could be done at some of them only, and nothing would tell where it was: it leaves both definitions as they are.
func (j *job) exchange(ctx context.Context, t *topo.Table, a *sqltext.AlterAction, first place) (*Result, error) {
	const what = "ALTER TABLE … EXCHANGE PARTITION"
	if err := j.underLocks(what); err != nil { // a transaction lets go of them
		return nil, err
	}
	res, err := j.first(ctx, first, j.spliced())
	if err != nil {
		return nil, clientError(unavailable(err), "")
	}
	if j.s.Exchange == nil || j.dbOf(a.To) != t.DB {
		return nil, unsupported(what + " with a table of another database")
	}
	with, err := j.snap.MustTable(t.DB, a.To.Name.Text)
	if err != nil {
		return nil, err
	}
	for _, x := range []*topo.Table{t, with} {
		switch {
		case x.Kind != topo.Sharded && x.Kind != topo.Keyless && x.Kind != topo.Single:
			return nil, unsupported(what + " of reference and linked tables: INSERT … SELECT and TRUNCATE PARTITION")
		case len(x.Triggers) > 0:
			return nil, unsupported(what + " of tables with triggers, which would be fired by the rows: DROP TRIGGER before")
		}
		d, err := j.describe(ctx, first, x.Name)
		if err != nil {
			return nil, clientError(err, "")
		}
		if d == nil || d.typ == versioned {
			return nil, unsupported(what + " of system-versioned tables")
		}
	}
	err = j.s.Exchange(ctx, t, with, a.Partitions[0].Text)
	var refused *wire.ServerError
	if errors.As(err, &refused) && refused.Code == erNotInPartition {
		return nil, refuse(1737, "HY000", "Found a row that does not match the partition")
	}
	return res, err
}

// erNotInPartition is the error of a row that is not of the partition that an INSERT names.
const erNotInPartition = 1748

// ExchangeText are the statements that move the rows of a partition to a table that has none, or those of the table to the partition that has none, first the INSERT, then the DELETE; probes are
// those that tell, by having rows, whether the table has some, whether the partition has, and whether one has 0 in the AUTO_INCREMENT column, "" where there is none.
func ExchangeText(t, with *topo.Table, partition string) (out, in [2]string, probes [3]string) {
	var names []string
	for i := range t.Columns {
		if c := &t.Columns[i]; !c.Generated {
			names = append(names, id(c.Name))
		}
	}
	list := strings.Join(names, ",")
	part := id(t.DB) + "." + id(t.Name) + " PARTITION (" + id(partition) + ")"
	table := id(with.DB) + "." + id(with.Name)
	out = [2]string{"INSERT INTO " + table + " (" + list + ") SELECT " + list + " FROM " + part + " FOR UPDATE", "DELETE FROM " + part}
	in = [2]string{"INSERT INTO " + part + " (" + list + ") SELECT " + list + " FROM " + table + " FOR UPDATE", "DELETE FROM " + table}
	probes = [3]string{"SELECT 1 FROM " + table + " LIMIT 1 FOR UPDATE", "SELECT 1 FROM " + part + " LIMIT 1 FOR UPDATE"}
	if t.AutoIncrement >= 0 {
		zero := " WHERE " + id(t.Columns[t.AutoIncrement].Name) + " = 0"
		probes[2] = "(SELECT 1 FROM " + table + zero + " LIMIT 1) UNION ALL (SELECT 1 FROM " + part + zero + " LIMIT 1)"
	}
	return out, in, probes
}
