package gateway

import (
	"context"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// notInStatus are the columns of information_schema.TABLES that SHOW TABLE STATUS has not. It has the others in the same order, by other names.
var notInStatus = []string{"TABLE_CATALOG", "TABLE_SCHEMA", "TABLE_TYPE"}

// showTableStatus is SHOW TABLE STATUS of a database of the cluster: a query of information_schema.TABLES, which it is in MariaDB too. A leaf says first whether the account may
// have it.
func (s *session) showTableStatus(ctx context.Context, scan *sqltext.Scan, sh *sqltext.Show, db string, snap *topo.Snapshot, src source) error {
	text := string(scan.Src[:scan.End])
	if err := s.prepareOnly(ctx, text, nil); err != nil {
		return err
	}
	table, err := s.tallyTable(ctx, "TABLES", snap, s.statusReach(scan, sh, db), "TABLE_SCHEMA="+nameLiteral(db))
	if err != nil {
		return err
	}
	cols := slices.DeleteFunc(slices.Clone(s.g.columns["TABLES"]), func(c string) bool { return slices.Contains(notInStatus, c) })
	if len(cols) != len(s.g.status) {
		return unsupported("SHOW TABLE STATUS", "this MariaDB has other columns there than information_schema.TABLES, which is to be asked instead")
	}
	items := make([]string, len(cols))
	for i, c := range cols {
		items[i] = c + " AS " + quoteName(s.g.status[i])
	}
	where := ""
	if !sh.Rest.Empty() {
		where = string(scan.AppendSpan(nil, sh.Rest))
		if isWord(scan, sh.Rest.From, "LIKE") {
			where = "WHERE Name COLLATE utf8mb3_bin " + where
			if s.mode().NoBackslashEscapes {
				where += ` ESCAPE '\'`
			}
		}
	}
	at := 0
	src.out = &edited{Output: src.out, prepared: src.prepared, column: func(c *wire.Column) bool {
		c.Table, c.OrgName = []byte("TABLES"), []byte(cols[at])
		at++
		ofInfoSchema(c, "TABLES")
		return true
	}}
	w := workers.Get().(*worker)
	defer workers.Put(w)
	if err := w.scan.Scan([]byte("SELECT * FROM (SELECT "+strings.Join(items, ",")+" FROM "+table+" AS t) AS `TABLES` "+where), s.mode()); err != nil {
		return err
	}
	return s.forwardAny(ctx, w, snap, src)
}

// statusReach is which tables a SHOW TABLE STATUS tells of: of a pattern without wildcards, one.
func (s *session) statusReach(scan *sqltext.Scan, sh *sqltext.Show, db string) *reach {
	r := &reach{dbs: &nameList{[]string{db}}}
	if last := sh.Rest.From + 1; !sh.Rest.Empty() && isWord(scan, sh.Rest.From, "LIKE") && sh.Rest.To == last+1 {
		if name := nameAt(scan, last, s.mode()); ascii(name) {
			if name = strings.ReplaceAll(name, `\_`, "x"); !strings.ContainsAny(name, `%_\`) {
				r.tables = &nameList{[]string{strings.ReplaceAll(nameAt(scan, last, s.mode()), `\_`, "_")}}
			}
		}
	}
	return r
}

// nameLiteral is a name as a string that is equal to it as MariaDB stores it, whatever the client's character set.
func nameLiteral(name string) string {
	if plainText(name) {
		return "'" + name + "'"
	}
	return "CONVERT(" + stringLiteral(name) + " USING utf8mb3)"
}

// The columns of SHOW INDEX that are read here.
const (
	indexName        = 2
	indexSeq         = 3
	indexCardinality = 6
)

// showIndex is SHOW INDEX: the shape's indexes with the numbers of the whole table.
func (s *session) showIndex(ctx context.Context, w *worker, sh *sqltext.Show, snap *topo.Snapshot, src source) error {
	db := sh.Table.DB.Text
	if sh.Table.DB.Tok < 0 || db == "" {
		db = s.sess.DB
	}
	t := snap.Table(db, sh.Table.Name.Text)
	if t == nil || !counted(t) || s.isTemporary(sh.Table) {
		return s.forwardAny(ctx, w, snap, src)
	}
	for i := sh.Rest.From; i < sh.Rest.To; i++ {
		if tok := w.scan.Tokens[i]; tok.Kind == sqltext.Word || tok.Kind == sqltext.QuotedID {
			if strings.EqualFold(nameAt(&w.scan, i, s.mode()), "Cardinality") {
				return unsupported("SHOW INDEX", "where Cardinality decides; SELECT … FROM information_schema.STATISTICS tells the same")
			}
		}
	}
	rows, err := cardinalityRows(ctx, s, &reach{&nameList{[]string{db}}, &nameList{[]string{t.Name}}})
	if err != nil {
		return err
	}
	src.out = &edited{Output: src.out, prepared: src.prepared, row: func(v [][]byte) ([][]byte, bool) {
		name, seq := string(v[indexName]), 0
		if s.charset.results != "" && !ascii(name) {
			if b, ok := shard.Convert(v[indexName], s.charset.results, "utf8mb4"); ok {
				name = string(b)
			}
		}
		if src.prepared {
			seq = int(binary.LittleEndian.Uint32(v[indexSeq]))
		} else if n, err := strconv.Atoi(string(v[indexSeq])); err == nil {
			seq = n
		}
		for _, row := range rows {
			if row[0] == t.DB && row[1] == t.Name && row[2] == name && row[3] == seq {
				v[indexCardinality] = numberValue(row[4], src.prepared)
			}
		}
		return v, true
	}}
	return s.forwardAny(ctx, w, snap, src)
}

// numberValue is a number of 8 bytes, or nil, as a value of a row.
func numberValue(v any, prepared bool) []byte {
	n, ok := v.(int64)
	switch {
	case !ok:
		return nil
	case prepared:
		return binary.LittleEndian.AppendUint64(nil, uint64(n))
	}
	return strconv.AppendInt(nil, n, 10)
}
