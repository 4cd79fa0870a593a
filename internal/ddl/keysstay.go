package ddl

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// keysStay refuses an ALTER that gives the name of a shard key's column to another one: the rows would stay where the old one's values put them.
func (j *job) keysStay(old *topo.Table) error {
	for _, i := range old.ShardKey {
		if was := &old.Columns[i]; j.before(old.Columns, was.Name) != i {
			return refuse(1235, "42000", "Column '%s' can't be dropped or renamed, and another one take its name: it is in the shard key of table '%s'", was.Name, old.Name)
		}
	}
	return nil
}

// ignores says whether a statement is ALTER IGNORE, which deletes rows that are in the way of a unique key.
func (j *job) ignores() bool {
	if j.d.Verb != "ALTER" || len(j.d.Tables) == 0 {
		return false
	}
	return slices.ContainsFunc(j.scan.Tokens[:j.d.Tables[0].Span.From], func(t sqltext.Token) bool { return t.KW == sqltext.KwIgnore })
}
