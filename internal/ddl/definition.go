package ddl

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/partition"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// secretTexts is what is sealed of a definition: the texts that hold passwords.
type secretTexts struct{ Comment, Connection string }

// keep writes a definition down in a table with its ID.
func (j *job) keep(t *topo.Table, def *spider.Table) error {
	t.Links = nil
	secret := map[int]secretTexts{}
	add := func(partition, subpartition string, in *spider.Info) {
		l := topo.LinkInfo{
			Partition: partition, Subpartition: subpartition, Comment: spider.Mask(in.Comment), Connection: spider.Mask(in.Connection),
			Server: in.Server, Database: in.Database, Table: in.Table,
		}
		if l.Empty() {
			return
		}
		if l.Comment != in.Comment || l.Connection != in.Connection {
			secret[len(t.Links)] = secretTexts{in.Comment, in.Connection}
		}
		t.Links = append(t.Links, l)
	}
	add("", "", &def.Info)
	for i := range def.Parts {
		p := &def.Parts[i]
		add(p.Name, "", &p.Info)
		for n := range p.Sub {
			add(p.Name, p.Sub[n].Name, &p.Sub[n].Info)
		}
	}
	seal := t.LinksSeal()
	for i, texts := range secret {
		doc, err := json.Marshal(texts)
		if err != nil {
			return err
		}
		t.Links[i].Sealed = j.cfg.Seal(string(doc), t.Links[i].Purpose(seal))
	}
	return nil
}

// definition is what keep has written down.
func (j *job) definition(t *topo.Table) (*spider.Table, error) {
	if j.cfg.Seal == nil || j.cfg.Open == nil {
		return nil, errNoKey()
	}
	def := &spider.Table{Keys: -1}
	seal := t.LinksSeal()
	var err error
	if def.Info, err = j.info(t, seal, "", ""); err != nil {
		return nil, err
	}
	if t.Scheme == "" {
		return def, nil
	}
	for i := range t.Places {
		p := &t.Places[i]
		if n := len(def.Parts); n == 0 || def.Parts[n-1].Name != p.Partition {
			in, err := j.info(t, seal, p.Partition, "")
			if err != nil {
				return nil, err
			}
			def.Parts = append(def.Parts, spider.Part{Name: p.Partition, Info: in})
		}
		if p.Subpartition == "" {
			continue
		}
		in, err := j.info(t, seal, p.Partition, p.Subpartition)
		if err != nil {
			return nil, err
		}
		part := &def.Parts[len(def.Parts)-1]
		part.Sub = append(part.Sub, spider.Part{Name: p.Subpartition, Info: in})
	}
	return def, nil
}

func (j *job) info(t *topo.Table, seal, partition, subpartition string) (spider.Info, error) {
	l := t.Info(partition, subpartition)
	if l == nil {
		return spider.Info{}, nil
	}
	in := spider.Info{Comment: l.Comment, Connection: l.Connection, Server: l.Server, Database: l.Database, Table: l.Table}
	if len(l.Sealed) == 0 {
		return in, nil
	}
	lost := func(err error) error {
		return &Error{Code: 1105, State: "HY000", cause: err, Message: fmt.Sprintf("The passwords of table %s.%s can't be read: %v; make it anew by CREATE OR REPLACE TABLE, with its connect information", t.DB, t.Name, err)}
	}
	doc, err := j.cfg.Open(l.Sealed, l.Purpose(seal))
	if err != nil {
		return in, lost(err)
	}
	var texts secretTexts
	if json.Unmarshal([]byte(doc), &texts) != nil {
		return in, lost(errors.New("they are not what was sealed"))
	}
	in.Comment, in.Connection = texts.Comment, texts.Connection
	return in, nil
}

func errNoKey() error {
	return unsupported("linked tables at a node without a key to seal passwords with")
}

// partitioned says how the rows of a linked table are spread over its places, by what SHOW CREATE TABLE says of its shape.
func partitioned(t *topo.Table, create string) error {
	if len(t.Places) == 1 && t.Places[0].Partition == "" {
		t.Scheme, t.ShardKey = "", nil
		return nil
	}
	refused := func(err error) error {
		return refuse(1235, "42000", "This version of Orbweaver doesn't yet support 'this PARTITION BY' of a linked table: %v", err)
	}
	scheme, err := partition.Read([]byte(create), sqltext.Mode{}, t.Columns)
	if err != nil {
		return refused(err)
	}
	f, err := partition.New(scheme)
	if err != nil {
		return refused(err)
	}
	if f.Places() != len(t.Places) {
		return refused(fmt.Errorf("MariaDB makes %d partitions of it, and %d are defined", f.Places(), len(t.Places)))
	}
	for i := range t.Places {
		p := &t.Places[i]
		name := p.Partition
		if p.Subpartition != "" {
			name = p.Subpartition
		}
		if !strings.EqualFold(f.Name(i), name) {
			return refused(fmt.Errorf("MariaDB calls a partition %q, and %q is defined", f.Name(i), name))
		}
	}
	t.Scheme, t.ShardKey = create, nil
	for i := range scheme.Columns {
		at := slices.IndexFunc(t.Columns, func(c topo.Column) bool { return c.Name == scheme.Columns[i].Name })
		t.ShardKey = append(t.ShardKey, at)
	}
	return nil
}

// sameSpread says whether the rows of two tables are spread alike, over partitions of the same names.
func sameSpread(a, b *topo.Table) (bool, error) {
	if a.Scheme == "" || b.Scheme == "" {
		return a.Scheme == b.Scheme, nil
	}
	was, err := partition.Read([]byte(a.Scheme), sqltext.Mode{}, a.Columns)
	if err != nil {
		return false, err
	}
	is, err := partition.Read([]byte(b.Scheme), sqltext.Mode{}, b.Columns)
	if err != nil {
		return false, err
	}
	same := func(p, q partition.Partition) bool {
		return strings.EqualFold(p.Name, q.Name) && slices.EqualFunc(p.Subs, q.Subs, strings.EqualFold)
	}
	return partition.Alike(was, is) == "" && slices.EqualFunc(was.Partitions, is.Partitions, same), nil
}
