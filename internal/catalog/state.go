package catalog

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// state is a snapshot with the revisions that its objects were last changed at. Immutable.
type state struct {
	snap *topo.Snapshot
	revs map[string]int64 // by key without the prefix
}

// change is one key's new content; a nil value is a deletion.
type change struct {
	key   string
	value []byte
	rev   int64
}

// load makes a state of the keys below topo/.
func load(kvs []change, revision int64) (*state, error) {
	s := &state{snap: topo.NewBuilder(nil).Build(0), revs: map[string]int64{}}
	// Tables, views, events and routines need their database: keys come in order, topo/db/ before topo/event/, topo/routine/, topo/table/ and topo/view/.
	return s.apply(kvs, revision)
}

// apply makes the state after a batch of changes, in the order in which they were made. A document that can't be read is an error: to go on
// without it would mean to route wrongly.
func (s *state) apply(changes []change, revision int64) (*state, error) {
	b := topo.NewBuilder(s.snap)
	revs := maps.Clone(s.revs)
	for _, c := range changes {
		if c.value == nil {
			delete(revs, c.key)
		} else {
			revs[c.key] = c.rev
		}
		if err := applyOne(b, c); err != nil {
			return nil, fmt.Errorf("catalog: key %s: %w", c.key, err)
		}
	}
	return &state{snap: b.Build(revision), revs: revs}, nil
}

func applyOne(b *topo.Builder, c change) error {
	switch {
	case c.key == keySettings:
		set := topo.DefaultSettings
		if c.value != nil {
			if err := json.Unmarshal(c.value, &set); err != nil {
				return err
			}
		}
		b.PutSettings(set)
	case c.key == keyVariables:
		var variables map[string]string
		if c.value != nil {
			if err := json.Unmarshal(c.value, &variables); err != nil {
				return err
			}
		}
		b.PutVariables(variables)
	case strings.HasPrefix(c.key, dirLeaf):
		if c.value == nil {
			if name, ok := nameOf(c.key, dirLeaf); ok {
				b.DropLeaf(name)
			}
			return nil
		}
		l := new(topo.Leaf)
		if err := json.Unmarshal(c.value, l); err != nil {
			return err
		}
		b.PutLeaf(l)
	case strings.HasPrefix(c.key, dirDB):
		if c.value == nil {
			if name, ok := nameOf(c.key, dirDB); ok {
				b.DropDatabase(name)
			}
			return nil
		}
		var d databaseDoc
		if err := json.Unmarshal(c.value, &d); err != nil {
			return err
		}
		b.PutDatabase(d.database())
	case strings.HasPrefix(c.key, dirServer):
		if c.value == nil {
			if name, ok := nameOf(c.key, dirServer); ok {
				b.DropServer(name)
			}
			return nil
		}
		s := new(topo.Server)
		if err := json.Unmarshal(c.value, s); err != nil {
			return err
		}
		b.PutServer(s)
	case strings.HasPrefix(c.key, dirTable):
		if c.value == nil {
			if db, table, ok := tableOf(c.key, dirTable); ok {
				b.DropTable(db, table)
			}
			return nil
		}
		t := new(topo.Table)
		if err := json.Unmarshal(c.value, t); err != nil {
			return err
		}
		b.PutTable(t)
	case strings.HasPrefix(c.key, dirView):
		if c.value == nil {
			if db, view, ok := tableOf(c.key, dirView); ok {
				b.DropView(db, view)
			}
			return nil
		}
		v := new(topo.View)
		if err := json.Unmarshal(c.value, v); err != nil {
			return err
		}
		b.PutView(v)
	case strings.HasPrefix(c.key, dirTimed):
		if c.value == nil {
			if db, event, ok := tableOf(c.key, dirTimed); ok {
				b.DropEvent(db, event)
			}
			return nil
		}
		e := new(topo.Event)
		if err := json.Unmarshal(c.value, e); err != nil {
			return err
		}
		b.PutEvent(e)
	case strings.HasPrefix(c.key, dirRoutine):
		if c.value == nil {
			if db, key, ok := tableOf(c.key, dirRoutine); ok {
				b.DropRoutine(db, key)
			}
			return nil
		}
		r := new(topo.Routine)
		if err := json.Unmarshal(c.value, r); err != nil {
			return err
		}
		b.PutRoutine(r)
	}
	return nil
}
