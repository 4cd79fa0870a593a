package gateway

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// makesBeside says that a statement makes a table that has a temporary one's name, and names no temporary table otherwise: in MariaDB CREATE TABLE does not know of those.
func (s *session) makesBeside(stmt *sqltext.Stmt) bool {
	d := stmt.DDL
	if d == nil || d.Verb != "CREATE" || d.Object != "TABLE" || d.AsSelect != nil || d.Like != nil || len(d.Tables) != 1 || d.OrReplace {
		return false
	}
	return !slices.ContainsFunc(stmt.Tables, func(t *sqltext.TableName) bool { return !slices.Contains(d.Tables, t) && s.isTemporary(t) })
}

// temporaryRename is a name that a statement changes.
type temporaryRename struct{ from, to tableKey }

// temporaryRenames are the names that RENAME TABLE or ALTER TABLE … RENAME changes, of temporary tables alone; nil for other statements.
func (s *session) temporaryRenames(d *sqltext.DDL) (out []temporaryRename, err error) {
	switch {
	case d.Verb == "RENAME" && d.Object == "TABLE" && len(d.Tables)%2 == 0:
		for i := 0; i < len(d.Tables); i += 2 {
			out = append(out, temporaryRename{s.keyOf(d.Tables[i]), s.keyOf(d.Tables[i+1])})
		}
	case d.Verb == "ALTER" && d.Object == "TABLE" && len(d.Tables) > 0:
		for _, a := range d.Actions {
			if a.Verb == "RENAME TO" && a.To != nil {
				out = append(out, temporaryRename{s.keyOf(d.Tables[0]), s.keyOf(a.To)})
			}
		}
	}
	there := map[tableKey]bool{} // as the names before have left it
	for k := range s.temps.tables {
		there[k] = true
	}
	snap := s.g.cfg.Catalog.Snapshot()
	for _, r := range out {
		if !there[r.from] {
			return nil, errTemporary("RENAME TABLE of others, too,")
		}
		if snap.Databases[r.to.db] == nil || hidden(snap, r.to.db) || s.temps.sequences[r.from] != nil {
			return nil, errTemporary("RENAME to a name that is in no database of the cluster's, or of a sequence,")
		}
		delete(there, r.from)
		there[r.to] = true
	}
	return out, nil
}

// temporaryRenamed notes what was renamed.
func (s *session) temporaryRenamed(renames []temporaryRename) {
	for _, r := range renames {
		s.temps.tables[r.to] = s.temps.tables[r.from]
		delete(s.temps.tables, r.from)
	}
}
