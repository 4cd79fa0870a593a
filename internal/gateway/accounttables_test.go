package gateway

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

func testSnapshot() *topo.Snapshot {
	s := &topo.Snapshot{Databases: map[string]*topo.Database{}, Schemas: map[string]topo.PartitionID{}}
	for _, name := range []string{"d", "app"} {
		d := &topo.Database{Name: name}
		for i := range 2 {
			id := topo.PartitionID{DB: name, Ordinal: i}
			d.Partitions = append(d.Partitions, &topo.Partition{ID: id})
			s.Schemas[id.Schema()] = id
		}
		s.Databases[name] = d
	}
	return s
}

// table makes rows of lines of words; - is an empty value.
func table(columns, rows string) *grants {
	g := &grants{columns: strings.Fields(columns)}
	for line := range strings.SplitSeq(rows, "\n") {
		var row [][]byte
		for _, f := range strings.Fields(line) {
			if f == "-" {
				f = ""
			}
			row = append(row, []byte(f))
		}
		if row != nil {
			g.rows = append(g.rows, row)
		}
	}
	return g
}

func (g *grants) String() string {
	var b strings.Builder
	for _, row := range g.rows {
		for _, v := range row {
			s := string(v)
			if s == "" {
				s = "-"
			}
			b.WriteString(s + " ")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestRightsOfPartitionsFollowTheirDatabases(t *testing.T) {
	snap := testSnapshot()
	in := table("Host Db User Select Insert", `
		%   d      a  Y N
		%   d\_0   a  Y Y
		%   app%   b  Y Y
		%   d\_%   c  Y Y
		%   d_     c  N Y
		%   %      e  Y N
		%   d      e  N N
		-   app    r  Y N`)
	out := &grants{columns: in.columns}
	databaseRights(out, in, snap)
	// a: a row a partition. b: app% matches the partitions as it does the database. c: d\_% matches partitions of d, but not d: nothing is
	// allowed there. e: the row for d counts, not the one for %. r: a role.
	want := table("Host Db User Select Insert", `
		%   d      a  Y N
		%   app%   b  Y Y
		%   d\_%   c  Y Y
		%   d_     c  N Y
		%   %      e  Y N
		%   d      e  N N
		-   app    r  Y N
		%   d\_0   a  Y N
		%   d\_1   a  Y N
		%   d\_0   c  N N
		%   d\_1   c  N N
		%   d\_0   e  N N
		%   d\_1   e  N N
		-   app\_0 r  Y N
		-   app\_1 r  Y N`)
	if out.String() != want.String() {
		t.Errorf("got\n%swant\n%s", out, want)
	}
	again := &grants{columns: in.columns}
	databaseRights(again, out, snap)
	if again.String() != out.String() {
		t.Errorf("a second pass changed\n%sto\n%s", out, again)
	}
}

func TestTableRights(t *testing.T) {
	in := table("Host Db User Table_name Priv", `
		% d   a t Select
		% d_0 a x Select
		% mysql a user Select`)
	out := &grants{columns: in.columns}
	tableRights(out, in, testSnapshot())
	want := table("", `
		% d   a t Select
		% d_0 a t Select
		% d_1 a t Select
		% mysql a user Select`)
	if out.String() != want.String() {
		t.Errorf("got\n%swant\n%s", out, want)
	}
}

func TestAddMethodKeepsTheRest(t *testing.T) {
	for _, doc := range []string{
		`{"access":18446744073709551615,"plugin":"mysql_native_password","authentication_string":"*<A>"}`,
		`{}`,
		`{"access":1,"plugin":"ed25519","authentication_string":"B","auth_or":[{"plugin":"mysql_native_password","authentication_string":""},{}]}`,
	} {
		before, err := parseAccount("u", "h", []byte(doc), testKey)
		if err != nil {
			t.Fatal(err)
		}
		added, err := addMethod([]byte(doc), testKey)
		if err != nil {
			t.Fatal(err)
		}
		after, err := parseAccount("u", "h", added, testKey)
		if err != nil {
			t.Fatal(err)
		}
		if !after.Clustered || before.Clustered || !sameMethods(before, after) {
			t.Errorf("%s became %s", doc, added)
		}
		var m map[string]json.RawMessage
		if err := json.Unmarshal(added, &m); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(doc, "18446744073709551615") && string(m["access"]) != "18446744073709551615" {
			t.Errorf("rights became %s", m["access"])
		}
		if strings.Contains(doc, "<A>") && !strings.Contains(string(added), "*<A>") {
			t.Errorf("the hash was escaped: %s", added)
		}
	}
}

func TestDifference(t *testing.T) {
	t1 := grantTable{"db", []string{"Host", "User", "Db"}}
	have := table("Host Db User P", "% a u Y\n% b u Y\n% c u Y")
	want := table("Host Db User P", "% a u Y\n% b u N\n% x u Y")
	gone, write := difference(t1, have, want)
	if len(gone) != 1 || string(gone[0][1]) != "c" || len(write) != 2 || string(write[0][1]) != "b" || string(write[1][1]) != "x" {
		t.Errorf("gone %q, write %q", gone, write)
	}
}
