package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// grantTable is one of the tables in which MariaDB keeps accounts and rights.
type grantTable struct {
	name string
	key  []string // its primary key
}

var grantTables = []grantTable{
	{"global_priv", []string{"Host", "User"}},
	{"db", []string{"Host", "User", "Db"}},
	{"tables_priv", []string{"Host", "User", "Db", "Table_name"}},
	{"columns_priv", []string{"Host", "User", "Db", "Table_name", "Column_name"}},
	{"procs_priv", []string{"Host", "User", "Db", "Routine_name", "Routine_type"}},
	{"proxies_priv", []string{"Host", "User", "Proxied_host", "Proxied_user"}},
	{"roles_mapping", []string{"Host", "User", "Role"}},
}

// grants is what a leaf keeps in one table.
type grants struct {
	columns []string
	rows    [][][]byte // nil for NULL
}

func (g *grants) column(name string) int {
	return slices.IndexFunc(g.columns, func(c string) bool { return strings.EqualFold(c, name) })
}

// key names a row among all rows of its table.
func (g *grants) rowKey(t grantTable, row [][]byte) string {
	parts := make([]string, len(t.key))
	for i, k := range t.key {
		parts[i] = string(row[g.column(k)])
	}
	return strings.Join(parts, "\x00")
}

// accountTables is all of it, by table name.
type accountTables map[string]*grants

// desired is what every leaf is to keep: the logical rows of one leaf; for each partition what its database's rows say, so that rights on d are
// rights on its partitions and nothing else is; and on each account the method by which nodes log in on its behalf. Pure.
func desired(from accountTables, snap *topo.Snapshot, clusterKey string) (accountTables, error) {
	out := accountTables{}
	for _, t := range grantTables {
		g := from[t.name]
		if g == nil {
			return nil, fmt.Errorf("the table mysql.%s was not read", t.name)
		}
		n := &grants{columns: g.columns}
		out[t.name] = n
		var err error
		switch t.name {
		case "global_priv":
			err = withClusterKey(n, g, clusterKey)
		case "db":
			databaseRights(n, g, snap)
		case "tables_priv", "columns_priv":
			tableRights(n, g, snap)
		default:
			n.rows = g.rows
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// withClusterKey adds the cluster's method to the accounts that lack it. All else of their records is kept to the byte.
func withClusterKey(out, in *grants, clusterKey string) error {
	user, host, doc := in.column("User"), in.column("Host"), in.column("Priv")
	if user < 0 || host < 0 || doc < 0 {
		return fmt.Errorf("mysql.global_priv has no columns User, Host and Priv")
	}
	for _, row := range in.rows {
		a, err := parseAccount(string(row[user]), string(row[host]), row[doc], clusterKey)
		if err != nil {
			return fmt.Errorf("account %q@%q: %w", row[user], row[host], err)
		}
		if !a.Role && !a.Clustered {
			added, err := addMethod(row[doc], clusterKey)
			if err != nil {
				return fmt.Errorf("account %q@%q: %w", row[user], row[host], err)
			}
			row = slices.Clone(row)
			row[doc] = added
		}
		out.rows = append(out.rows, row)
	}
	guardCluster(out, user, host)
	return nil
}

// guardCluster gives the cluster's account each host that an anonymous account has, and localhost: of two accounts for one host the one with a
// name is chosen, so that an anonymous one never is what a node gets when it logs in for the cluster.
func guardCluster(g *grants, user, host int) {
	var own [][]byte
	have := map[string]bool{}
	want := []string{"localhost"}
	for _, row := range g.rows {
		switch string(row[user]) {
		case clusterUser:
			have[string(row[host])] = true
			if own == nil || string(row[host]) == "%" {
				own = row
			}
		case "":
			want = append(want, string(row[host]))
		}
	}
	for _, h := range want {
		if own == nil || have[h] {
			continue
		}
		have[h] = true
		row := slices.Clone(own)
		row[host] = []byte(h)
		g.rows = append(g.rows, row)
	}
}

// addMethod adds the cluster's method to an account's record, behind those that it has.
func addMethod(doc []byte, clusterKey string) ([]byte, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(doc, &m); err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if old, ok := m["auth_or"]; ok {
		if err := json.Unmarshal(old, &list); err != nil {
			return nil, err
		}
	}
	if len(list) == 0 {
		list = []json.RawMessage{json.RawMessage("{}")} // the method outside of the list
	}
	if _, ok := m["plugin"]; !ok {
		m["plugin"], m["authentication_string"] = json.RawMessage(`"`+pluginNative+`"`), json.RawMessage(`""`)
	}
	key, err := json.Marshal(map[string]string{"plugin": pluginEd25519, "authentication_string": clusterKey})
	if err != nil {
		return nil, err
	}
	if m["auth_or"], err = marshalPlain(append(list, key)); err != nil {
		return nil, err
	}
	return marshalPlain(m)
}

// marshalPlain keeps characters such as < as they are.
func marshalPlain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// databaseRights keeps the rows of mysql.db for logical databases and makes those of partitions. Db is a pattern, and of several that
// match the most specific counts, alone: a partition gets the rights of the row that counts for its database, and none where none does.
func databaseRights(out, in *grants, snap *topo.Snapshot) {
	host, user, db := in.column("Host"), in.column("User"), in.column("Db")
	type holder struct{ host, user string }
	rows := map[holder][][][]byte{}
	var order []holder
	for _, row := range in.rows {
		if _, partition := snap.Schemas[unescapePattern(string(row[db]))]; partition && exactPattern(string(row[db])) {
			continue // made anew below
		}
		out.rows = append(out.rows, row)
		h := holder{string(row[host]), string(row[user])}
		if rows[h] == nil {
			order = append(order, h)
		}
		rows[h] = append(rows[h], row)
	}
	databases := slices.Sorted(maps.Keys(snap.Databases))
	for _, h := range order {
		counts := func(name string) [][]byte {
			var best [][]byte
			for _, row := range rows[h] {
				if like(string(row[db]), name) && (best == nil || rankHost(string(row[db])).compare(rankHost(string(best[db]))) < 0) {
					best = row
				}
			}
			return best
		}
		for _, name := range databases {
			own := counts(name)
			for _, p := range snap.Databases[name].Partitions {
				schema := p.ID.Schema()
				now := counts(schema)
				if sameRow(own, now) {
					continue
				}
				row := make([][]byte, len(in.columns))
				if own != nil {
					copy(row, own)
				} else {
					for i := range row {
						row[i] = []byte("N")
					}
				}
				row[host], row[user], row[db] = []byte(h.host), []byte(h.user), []byte(escapePattern(schema))
				out.rows = append(out.rows, row)
			}
		}
	}
}

// sameRow says whether two rows are one, or both none.
func sameRow(a, b [][]byte) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	return &a[0] == &b[0]
}

// tableRights keeps the rows of logical databases and makes those of their partitions.
func tableRights(out, in *grants, snap *topo.Snapshot) {
	db := in.column("Db")
	for _, row := range in.rows {
		if _, partition := snap.Schemas[string(row[db])]; partition {
			continue
		}
		out.rows = append(out.rows, row)
		d := snap.Databases[string(row[db])]
		if d == nil {
			continue
		}
		for _, p := range d.Partitions {
			c := slices.Clone(row)
			c[db] = []byte(p.ID.Schema())
			out.rows = append(out.rows, c)
		}
	}
}

// escapePattern is a database's name as mysql.db keeps it: _ and % are wildcards there.
func escapePattern(name string) string {
	return strings.NewReplacer(`\`, `\\`, "_", `\_`, "%", `\%`).Replace(name)
}

func unescapePattern(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		if p[i] == '\\' && i+1 < len(p) {
			i++
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

// exactPattern says whether a pattern has no wildcards.
func exactPattern(p string) bool { return rankHost(p).wilds == 0 }

// difference is the rows to be deleted (those in have whose key want lacks) and to be written, to make of have what want is.
func difference(t grantTable, have, want *grants) (gone, write [][][]byte) {
	old := map[string][][]byte{}
	for _, row := range have.rows {
		old[have.rowKey(t, row)] = row
	}
	wanted := map[string]bool{}
	for _, row := range want.rows {
		k := want.rowKey(t, row)
		wanted[k] = true
		if have := old[k]; have == nil || !slices.EqualFunc(have, row, func(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }) {
			write = append(write, row)
		}
	}
	for _, row := range have.rows {
		if !wanted[have.rowKey(t, row)] {
			gone = append(gone, row)
		}
	}
	return gone, write
}
