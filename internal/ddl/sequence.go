package ddl

import (
	"context"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// sequence runs statements on sequences. One is made as a table is that has its rows in a single partition; what ALTER changes of one no topology has.
func (j *job) sequence(ctx context.Context) (*Result, error) {
	switch j.d.Verb {
	case "CREATE":
		res, err := j.createTable(ctx)
		if err == errInPlace {
			return j.replaceTable()
		}
		return res, err
	case "ALTER":
		return j.alterSequence(ctx)
	case "DROP":
		return j.dropTables(ctx)
	}
	return nil, unsupported(j.d.Verb + " SEQUENCE")
}

// alterSequence has the partition's master do it: only there is known which values are left. Copies of the partition take the sequence's row and definition as of a moment without DDL.
func (j *job) alterSequence(ctx context.Context) (*Result, error) {
	names, err := j.onTables(ctx, j.d.Tables[:min(1, len(j.d.Tables))])
	if err != nil {
		return nil, err
	}
	defer j.lock.Unlock()
	if t := j.snap.Table(j.todo.DB, names[0]); t == nil || t.Kind != topo.Sequence {
		return j.first(ctx, j.todo.Shapes[0], j.spliced()) // MariaDB says that there is none
	}
	at := j.todo.Places[topo.SequenceOrdinal]
	j.todo.Tables, j.todo.Places = names, []place{at}
	if err := j.record(ctx, "alter sequence"); err != nil {
		return nil, err
	}
	c, err := j.client(ctx, at, at.Schema, j.s.State)
	if err != nil {
		return nil, j.abandon(err, nil)
	}
	defer c.Release()
	if err := j.step("alter sequence"); err != nil {
		return nil, err
	}
	res, err := c.Query(ctx, j.partText(j.todo.DB, func(string) bool { return false }).in(at.Schema))
	if err != nil {
		err = j.abandon(unavailable(logical(err, at, j.todo.DB)), nil)
		if _, ok := refused(err); !ok && !backend.SafeToRetry(err) { // done again it might take back what others have been given since
			err = unfinished("It is not known whether the sequence was altered; look at it: "+err.Error(), nil)
		}
		return nil, err
	}
	j.res = &Result{Affected: res.Affected, Warnings: res.Warnings, Notes: notes(ctx, c, res.Warnings)}
	return j.res, j.commit(ctx, nil)
}

// sequenceOption ends what SHOW CREATE TABLE says of a sequence.
const sequenceOption = " SEQUENCE=1"

// blunt makes of a shape's sequence one that gives no value.
func (j *job) blunt(ctx context.Context, p place, name string) error {
	_, err := j.asCluster(ctx, p, "", bluntText(p, name))
	return err
}

func bluntText(p place, name string) string {
	return "INSERT INTO " + id(p.Schema) + "." + id(name) + " VALUES " + topo.BluntRow
}

// sequenceRule: of what MariaDB can do with sequences in a table's definition, the nodes give the next value of one as a default.
func sequenceRule(t *topo.Table) error {
	for i := range t.Columns {
		c := &t.Columns[i]
		if t.Kind == topo.Sequence || !asksSequence(c.Default) {
			continue
		}
		switch _, _, ok := c.Sequence(); {
		case !ok:
			return refuse(1235, "42000", "The default of column '%s' can only be the next value of a sequence as it is: give other values of sequences in INSERT", c.Name)
		case t.Kind == topo.Linked:
			return refuse(1235, "42000", "The default of column '%s' of a linked table can't be the next value of a sequence: give values in INSERT", c.Name)
		}
	}
	return nil
}

// asksSequence says whether a default, as MariaDB prints it, asks a sequence.
func asksSequence(text string) bool {
	if !strings.Contains(text, "val(") {
		return false
	}
	var scan sqltext.Scan
	return scan.Scan([]byte(text), sqltext.Mode{}) == nil && len(sqltext.SequenceUses(&scan, sqltext.Mode{})) > 0
}

// undrawn takes the defaults that are a sequence's next value out of a definition: at partitions, where they would be the shape's, there is none. The nodes give such columns their values.
func (j *job) undrawn() (edits []edit) {
	tok := func(i int32, what string) bool {
		return i >= 0 && int(i) < len(j.scan.Tokens) && strings.EqualFold(string(j.scan.Bytes(i)), what)
	}
	for _, u := range sqltext.SequenceUses(j.scan, j.scan.Mode()) {
		span := u.Span
		for tok(span.From-1, "(") && tok(span.To, ")") {
			span = sqltext.Span{From: span.From - 1, To: span.To + 1}
		}
		switch {
		case !tok(span.From-1, "DEFAULT"):
		case tok(span.From-2, "SET"): // ALTER COLUMN c SET DEFAULT
			edits = append(edits, edit{sqltext.Span{From: span.From - 2, To: span.To}, "DROP DEFAULT"})
		default:
			edits = append(edits, edit{span: sqltext.Span{From: span.From - 1, To: span.To}})
		}
	}
	return edits
}
