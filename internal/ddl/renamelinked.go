package ddl

import (
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// named gives a table another name. Where the name of a linked table's remote table comes from its own, it is written down before: the remote table stays the same. So Spider
// does not: there it would be another one from then on, or none.
func (j *job) named(t *topo.Table, name string) error {
	was := *t
	t.Name = name
	if t.Kind != topo.Linked || was.Name == name || !slices.ContainsFunc(was.Places, func(p topo.LinkPlace) bool { return len(p.Params[tableParam]) == 0 }) {
		return nil
	}
	def, err := j.definition(&was)
	if err != nil {
		return err
	}
	refused := func(why string) error {
		return refuse(1235, "42000", "Linked table '%s' can't be renamed: names of remote tables come from its own, and %s", was.Name, why)
	}
	if !definesPlaces(&was) {
		return refused("its partitions have no definitions to write them into; give them some by ALTER TABLE … PARTITION BY, with the parameter table")
	}
	for i := range was.Places {
		p := spider.Kept(&was.Places[i])
		if _, says := p.Text(tableParam, 0); !says {
			spider.NameTable(infoOf(def, i), p.Name(was.Name))
		}
	}
	l := &linked{def: *def, columns: true}
	if err := l.read(); err != nil {
		return refused("can't be written into its definition; give the parameter table, or the option REMOTE_TABLE, before")
	}
	for i := range l.spec.Places {
		before := spider.Kept(&was.Places[i])
		want, says := before.Text(tableParam, 0)
		if !says {
			want = before.Name(was.Name)
		}
		if is, _ := l.spec.Places[i].Text(tableParam, 0); is != want {
			return refused("'" + want + "' can't be written into its definition; give the parameter table, or the option REMOTE_TABLE, before")
		}
	}
	return j.link(t, l)
}

// tableParam is the parameter for the name of the remote table.
const tableParam = "table"

// definesPlaces says whether SHOW CREATE TABLE prints a definition for each of a table's places.
func definesPlaces(t *topo.Table) bool {
	switch {
	case t.Scheme == "":
		return true
	case t.Places[0].Subpartition != "":
		return strings.Contains(t.Scheme, "\n (SUBPARTITION ")
	}
	return strings.Contains(t.Scheme, "\n(PARTITION ")
}

// infoOf is what stands in a definition at the nth place.
func infoOf(def *spider.Table, n int) *spider.Info {
	for i := range def.Parts {
		part := &def.Parts[i]
		if len(part.Sub) == 0 {
			if n == 0 {
				return &part.Info
			}
			n--
			continue
		}
		if n < len(part.Sub) {
			return &part.Sub[n].Info
		}
		n -= len(part.Sub)
	}
	return &def.Info
}
