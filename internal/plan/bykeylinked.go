package plan

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// namesLinked says whether the statement names linked tables.
func (p *planner) namesLinked() bool {
	return slices.ContainsFunc(p.stmt.Tables, func(t *sqltext.TableName) bool {
		table, _, err := p.lookup(t)
		return !t.CTE && err == nil && table != nil && table.Kind == topo.Linked
	})
}

// tellsOfServer are the facts of what would tell of a remote server, or of the account there.
const tellsOfServer = sqltext.HasSysVar | sqltext.HasPlaceFunction

// byKeysLinked prepares for finding the rows of a write first where linked tables take part; not ok when it may not be run so either.
func (p *planner) byKeysLinked(err error) (ok bool) {
	if p.stmt.Kind != sqltext.KindUpdate && p.stmt.Kind != sqltext.KindDelete || !p.namesLinked() {
		return true
	}
	if p.linkableBut(tellsOfServer) != nil {
		return false
	}
	if p.far == nil && err != nil { // nobody has looked at its names yet
		_, _ = p.analysed()
	}
	return true
}

// linkedTarget finds out where the rows of a linked table are changed, as if it stood alone in the statement. Where the change is the client's own text, names make the remote
// table's of it.
func (p *planner) linkedTarget(k *ByKey, t *KeyTarget, name *sqltext.TableName) (reason string) {
	stmt, scan := *p.stmt, p.scan
	stmt.Tables = []*sqltext.TableName{name}
	if !k.single {
		text := AppendQuoted(append(AppendQuoted([]byte("DELETE FROM "), t.Table.DB), '.'), t.Table.Name)
		scan = new(sqltext.Scan)
		if err := scan.Scan(text, p.sess.Mode); err != nil {
			return "'" + t.Table.Name + "' can't be named"
		}
		alone, err := sqltext.Parse(scan, p.sess.Mode)
		if err != nil {
			return "'" + t.Table.Name + "' can't be named"
		}
		stmt = *alone
	}
	if stmt.Facts&tellsOfServer != 0 { // the query for the keys is asked for all that may be such
		if stmt.Facts &^= tellsOfServer; !k.order.Empty() || !k.tail.Empty() {
			p.refused = p.linkable()
			return p.refused.Error()
		}
		k.asked = true
	}
	alone := newPlanner(&stmt, scan, p.snap, p.sess)
	alone.found = true
	l, err := alone.newLinker()
	if err != nil {
		if p.refused == nil {
			p.refused = err
		}
		return err.Error()
	}
	t.Linked, t.Names = l.plan.Linked, l.splices
	k.asked = k.asked || t.copied()
	return ""
}

// copied says whether what is done to a target's rows is done at further links, too.
func (t *KeyTarget) copied() bool { return t.Linked != nil && t.Linked.Copies != nil }

// Copied says whether what is done to the rows of a target is done at several links.
func (k *ByKey) Copied() bool {
	return slices.ContainsFunc(k.Targets, func(t KeyTarget) bool { return t.copied() })
}

// As is the name that the client gives a target, "" where it is the table's own.
func (t *KeyTarget) As() string {
	if t.alias == t.Table.Name {
		return ""
	}
	return t.alias
}
