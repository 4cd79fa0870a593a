package ddl

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// What leaves that are away have of a database that is no more stays in the journal, as a record of its own. They are no members, so that nobody sees it and the name is free. It is
// removed when they are back: else they would keep the name from being used for good.
const leftovers = "leftovers"

// away splits places into those at leaves that are members, and those at leaves that may come back; one that was removed from the cluster is forgotten.
func away(s *topo.Snapshot, places []place) (here, gone []place) {
	for _, p := range places {
		switch l := s.Leaves[p.Leaf]; {
		case l == nil:
		case l.Member():
			here = append(here, p)
		default:
			gone = append(gone, p)
		}
	}
	return here, gone
}

// absent are the leaves that are away, as places of a database's shape and of all its partitions: any of them may have a copy.
func absent(s *topo.Snapshot, db string, parts []place) (shapes, places []place) {
	for _, l := range s.Leaves {
		if l.Member() {
			continue
		}
		shapes = append(shapes, place{Leaf: l.Name, Schema: db})
		for _, p := range parts {
			places = append(places, place{Leaf: l.Name, Schema: p.Schema})
		}
	}
	return shapes, places
}

// leave ends a record but for what is at leaves that are away.
func (j *job) leave(ctx context.Context, shapes, places []place) error {
	j.todo = todo{DB: j.todo.DB, Shapes: shapes, Places: places}
	known, err := j.leftBefore(ctx)
	if err != nil {
		return err
	}
	if known || len(shapes)+len(places) == 0 {
		return j.commit(ctx, nil)
	}
	j.rec.Kind = leftovers
	err = j.save(ctx, "left at leaves that are away")
	j.open = err != nil
	return err
}

// leftBefore says whether another record has all of that already: a database may be made and dropped often while a leaf is away.
func (j *job) leftBefore(ctx context.Context) (bool, error) {
	recs, err := j.cfg.Catalog.DDLRecords(ctx, j.rec.Databases...)
	if err != nil {
		return false, err
	}
	for _, rec := range recs {
		var other todo
		if rec.Kind != leftovers || rec.ID == j.rec.ID || json.Unmarshal(rec.Undo, &other) != nil {
			continue
		}
		if covers(other.Shapes, j.todo.Shapes) && covers(other.Places, j.todo.Places) {
			return true, nil
		}
	}
	return false, nil
}

func covers(all, some []place) bool {
	return !slices.ContainsFunc(some, func(p place) bool {
		return !slices.ContainsFunc(all, func(o place) bool { return o.Leaf == p.Leaf && o.Schema == p.Schema })
	})
}

// dropEverywhere removes a dropped database from all leaves that are members. What followed a master that is away gets no DROP from it.
func (j *job) dropEverywhere(ctx context.Context) error {
	s := j.cfg.Catalog.Snapshot()
	places, _ := away(s, j.todo.Places)
	shapes, _ := away(s, j.todo.Shapes)
	if err := j.dropDatabasesOf(ctx, todo{Shapes: shapes, Places: places}); err != nil {
		return err
	}
	if err := j.dropUnlinked(ctx, s, places); err != nil {
		return err
	}
	var followers, gone []place
	for _, p := range j.todo.Places {
		if slices.Contains(places, p) {
			continue
		}
		gone = append(gone, p)
		for _, l := range s.AttachedLeaves() {
			followers = append(followers, place{Leaf: l.Name, Schema: p.Schema})
		}
	}
	if _, err := each(followers, func(p place) error { return j.servers.Drop(ctx, p.Leaf, p.Schema) }); err != nil {
		return err
	}
	return j.dropGrants(ctx, todo{Shapes: shapes, Places: gone})
}

// dropUnlinked removes copies of dropped partitions that nobody tells of the DROP: those that were being made, or taken out, and are linked to no master. Clients would see them, and they
// would be in the way of a database of that name for good.
func (j *job) dropUnlinked(ctx context.Context, s *topo.Snapshot, parts []place) error {
	var leaves []place
	for _, l := range s.AttachedLeaves() {
		leaves = append(leaves, place{Leaf: l.Name})
	}
	_, err := each(leaves, func(at place) error {
		there, err := j.servers.Schemas(ctx, at.Leaf)
		if err != nil {
			return err
		}
		copies := slices.DeleteFunc(slices.Clone(parts), func(p place) bool { return p.Leaf == at.Leaf || !there[p.Schema] })
		if len(copies) == 0 {
			return nil
		}
		links, err := j.servers.Links(ctx, at.Leaf)
		if err != nil {
			return err
		}
		for _, p := range copies {
			if l := links[p.Leaf]; l != nil && slices.Contains(l.Domains, p.Domain) {
				continue
			}
			// Whoever fills it is at it no more: the name may be another database's at once.
			if err := j.servers.Fence(ctx, at.Leaf, p.Schema); err != nil {
				return err
			}
			if err := j.servers.Drop(ctx, at.Leaf, p.Schema); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// undoCreateDatabase removes what a CREATE DATABASE has made.
func (j *job) undoCreateDatabase(ctx context.Context) error {
	shapes, goneShapes := away(j.snap, j.todo.Shapes)
	places, gonePlaces := away(j.snap, j.todo.Places)
	if err := j.dropDatabasesOf(ctx, todo{Shapes: shapes, Places: places}); err != nil {
		return err
	}
	if err := j.dropGrants(ctx, todo{Shapes: shapes, Places: gonePlaces}); err != nil {
		return err
	}
	return j.leave(ctx, goneShapes, gonePlaces)
}

// nobodyBack says whether there is nothing to be done about leftovers yet.
func (j *job) nobodyBack() bool {
	_, shapes := away(j.snap, j.todo.Shapes)
	_, places := away(j.snap, j.todo.Places)
	return slices.Equal(shapes, j.todo.Shapes) && slices.Equal(places, j.todo.Places)
}

// clearLeftovers removes them from leaves that are back. What the cluster has by that name now is another database, of which they got copies.
func (j *job) clearLeftovers(ctx context.Context) error {
	shapes, goneShapes := away(j.snap, j.todo.Shapes)
	places, gonePlaces := away(j.snap, j.todo.Places)
	for _, p := range append(places, shapes...) { // partitions first: they lead into the shape
		if err := j.step("left at " + p.Leaf + "/" + p.Schema); err != nil {
			return err
		}
		if _, partition := j.snap.Schemas[p.Schema]; partition || j.snap.Databases[p.Schema] != nil {
			continue
		}
		if err := j.servers.Drop(ctx, p.Leaf, p.Schema); err != nil {
			return err
		}
	}
	return j.leave(ctx, goneShapes, gonePlaces)
}
