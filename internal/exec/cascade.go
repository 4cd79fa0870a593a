package exec

import (
	"context"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// foreignKeys are those of all tables, as one revision of the topology has them.
type foreignKeys struct {
	revision int64
	keys     []topo.ForeignKey
}

// foreignKeysSQL lists them, a row for each column, by the names that InnoDB has of tables: as the file system has them. The bits of TYPE are those of ON DELETE CASCADE, ON DELETE SET NULL,
// ON UPDATE CASCADE and ON UPDATE SET NULL.
const foreignKeysSQL = "SELECT f.ID, f.TYPE & 1 > 0, f.TYPE & 2 > 0, f.TYPE & 12 > 0, f.TYPE & 8 > 0, c.FOR_COL_NAME, c.REF_COL_NAME," +
	" CONVERT(CONVERT(BINARY SUBSTRING_INDEX(f.FOR_NAME, '/', 1) USING filename) USING utf8mb4), CONVERT(CONVERT(BINARY SUBSTRING_INDEX(f.FOR_NAME, '/', -1) USING filename) USING utf8mb4)," +
	" CONVERT(CONVERT(BINARY SUBSTRING_INDEX(f.REF_NAME, '/', 1) USING filename) USING utf8mb4), CONVERT(CONVERT(BINARY SUBSTRING_INDEX(f.REF_NAME, '/', -1) USING filename) USING utf8mb4)" +
	" FROM information_schema.INNODB_SYS_FOREIGN f JOIN information_schema.INNODB_SYS_FOREIGN_COLS c USING (ID) ORDER BY f.ID, c.POS"

// foreignKeys asks a leaf, where the shapes tell of all tables' keys. It is asked once for a revision.
func (r *Runner) foreignKeys(ctx context.Context, st *Statement) ([]topo.ForeignKey, error) {
	if known := r.foreign.Load(); known != nil && known.revision == st.Snap.Revision {
		return known.keys, nil
	}
	c, err := r.cfg.Pools.Get(ctx, backend.Want{Leaf: st.Home, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		return nil, err
	}
	defer c.Release()
	res, err := c.Query(ctx, foreignKeysSQL)
	if err != nil {
		return nil, err
	}
	all := &foreignKeys{revision: st.Snap.Revision, keys: foreignKeysOf(res.Rows, func(schema string) bool { return st.Snap.Databases[schema] != nil })}
	r.foreign.Store(all)
	return all.keys, nil
}

// foreignKeysOf reads what foreignKeysSQL tells of some databases' keys.
func foreignKeysOf(rows [][][]byte, of func(schema string) bool) (keys []topo.ForeignKey) {
	last := ""
	for _, row := range rows {
		s := func(i int) string { return string(row[i]) }
		if !of(s(7)) {
			continue
		}
		if s(0) != last {
			last = s(0)
			keys = append(keys, topo.ForeignKey{
				DeleteRows: s(1) == "1", DeleteNull: s(2) == "1", Update: s(3) == "1", UpdateNull: s(4) == "1", Child: [2]string{s(7), s(8)}, Parent: [2]string{s(9), s(10)},
			})
		}
		k := &keys[len(keys)-1]
		k.Columns, k.ParentColumns = append(k.Columns, s(5)), append(k.ParentColumns, s(6))
	}
	return keys
}

// Settled refuses a statement on tables of which a foreign key may have changed rows in the transaction with those of a reference table: at a partition they would be found as they were before.
func (r *Runner) Settled(ctx context.Context, st *Statement) error {
	if len(st.Plan.Touched) == 0 {
		return nil
	}
	changes := st.Tx.Changes()
	if len(changes) == 0 {
		return nil
	}
	keys, err := r.foreignKeys(ctx, st)
	if err != nil || len(keys) == 0 {
		return err
	}
	cascaded := st.Snap.Cascaded(changes, keys)
	for _, at := range st.Plan.Touched {
		if cascaded[at] {
			return unsettled(at)
		}
	}
	return nil
}

func unsettled(at [2]string) *Error {
	return errorf(wire.ErNotSupported, "This version of Orbweaver doesn't yet support 'a statement on table '%s.%s', of which foreign keys may have changed rows with those of a reference table, in the same transaction': "+
		"COMMIT before it", at[0], at[1])
}

// noteChanges has the transaction know what the statement, which has ended well, did to reference tables.
func (st *Statement) noteChanges() {
	p := st.Plan
	if len(p.Changes) == 0 || st.out.Affected == 0 && st.out.Rows == 0 && len(p.Triggers) == 0 { // rows of RETURNING are told of instead
		return
	}
	forStatement := len(st.Scan.Tokens) > 0 && st.Scan.Tokens[0].KW == sqltext.KwSet // SET STATEMENT may turn them on
	if text, set := st.Tx.State().Get("foreign_key_checks"); set && strings.HasSuffix(text, "=0") && !forStatement {
		return
	}
	st.Tx.Changed(p.Changes)
}
