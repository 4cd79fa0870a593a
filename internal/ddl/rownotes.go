package ddl

import (
	"slices"
	"sync"
)

// rowNotes are what partitions have told of an ALTER TABLE that changes rows: of values that were cut off, say.
type rowNotes struct {
	mu   sync.Mutex
	list []Note
}

func (n *rowNotes) add(list []Note) {
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
