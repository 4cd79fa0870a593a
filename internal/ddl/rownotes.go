package ddl

import (
	"slices"
	"strings"
	"sync"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// rowNotes are what partitions have told of an ALTER TABLE that changes rows: of values that were cut off, say.
type rowNotes struct {
	mu   sync.Mutex
	list []Note
}

// add keeps what a partition has told, with the names that the client knows.
func (n *rowNotes) add(list []Note, p place, db string) {
	for i := range list {
		list[i].Message = logicalText(list[i].Message, p, db)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, list...)
}

// toldOfRows adds what the partitions have told to a result, but for what the shape without rows has told already.
func (j *job) toldOfRows(res *Result) {
	j.rowNotes.mu.Lock()
	defer j.rowNotes.mu.Unlock()
	told := slices.Clone(res.Notes)
	for _, note := range j.rowNotes.list {
		if !slices.Contains(told, note) {
			res.Notes = append(res.Notes, note)
			res.Warnings++
		}
	}
}

// noZeros says whether rows that are there would have the zero of a date in a column that comes, where sql_mode keeps them from it: MariaDB adds the column in an instant if there are none.
func (j *job) noZeros(was, now *described) bool {
	return strings.Contains(j.todo.Settings, "NO_ZERO_DATE") && slices.ContainsFunc(now.columns, func(c topo.Column) bool {
		comes := !slices.ContainsFunc(was.columns, func(o topo.Column) bool { return o.Name == c.Name })
		return comes && !c.Nullable && !c.Generated && c.Default == "" && (c.Type == "date" || c.Type == "datetime")
	})
}
