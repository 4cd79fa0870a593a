package ddl

import (
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// spiderEngine is the engine that linked tables are made with.
const spiderEngine = "SPIDER"

// linked is what a statement says of the links of a table.
type linked struct {
	// def is the definition, passwords and all.
	def spider.Table
	// spec is what was read of it.
	spec *spider.Spec
	// edits make the statement one for an empty InnoDB table of the same columns, keys and partitions, which no leaf can tell anything secret of.
	edits []edit
	// columns: the statement has some, or another table's.
	columns bool
}

// MakesLinked says whether a statement makes a linked table: by the engine of the table, or of its partitions.
func MakesLinked(d *sqltext.DDL) bool {
	if d == nil || d.Verb != "CREATE" || d.Object != "TABLE" {
		return false
	}
	if strings.EqualFold(d.Engine, spiderEngine) {
		return true
	}
	return d.Partitioning != nil && slices.ContainsFunc(d.Partitioning.Partitions, hasSpider)
}

// NamesLinks says whether a statement may say something of links, which leaves are not to be told: it makes a linked table, or changes options or partitions of a table.
func NamesLinks(d *sqltext.DDL) bool {
	if d == nil || d.Object != "TABLE" || d.Verb != "ALTER" {
		return MakesLinked(d)
	}
	return slices.ContainsFunc(d.Actions, func(a sqltext.AlterAction) bool {
		return len(a.PartitionDefs) > 0 || a.Verb == "PARTITION BY" || slices.ContainsFunc(a.Options, func(o sqltext.Option) bool {
			return o.Name == "COMMENT" || o.Name == "CONNECTION" || strings.HasPrefix(o.Name, "REMOTE_")
		})
	})
}

func hasSpider(p sqltext.PartitionDef) bool {
	return slices.ContainsFunc(p.Options, func(o sqltext.Option) bool {
		return o.Name == "ENGINE" && strings.EqualFold(o.Value.Text, spiderEngine)
	}) ||
		slices.ContainsFunc(p.Subs, hasSpider)
}

// linkedTable reads the definition of a linked table; nil for other statements.
func linkedTable(scan *sqltext.Scan, d *sqltext.DDL) (*linked, error) {
	if !MakesLinked(d) {
		return nil, nil
	}
	if d.Reference || d.ShardKey != nil {
		return nil, unsupported("REFERENCE or SHARD KEY of a linked table")
	}
	l := &linked{def: spider.Table{Keys: -1}, columns: len(d.ColumnDefs) > 0}
	if !l.columns && !d.Body.Empty() {
		return nil, unsupported("linked tables with keys, but without columns")
	}
	if err := l.options(scan, d.Options, &l.def.Info, "COMMENT=''"); err != nil {
		return nil, err
	}
	if d.Partitioning != nil {
		var err error
		if l.def.Parts, err = l.parts(scan, d.Partitioning); err != nil {
			return nil, err
		}
	}
	return l, l.read()
}

// options takes what concerns links out of the options of a table, a partition or a subpartition; with stands in their places.
func (l *linked) options(scan *sqltext.Scan, options []sqltext.Option, in *spider.Info, with string) error {
	for _, o := range options {
		value, instead := o.Value.Text, with
		given := &value
		if scan.Tokens[o.Value.Tok].Kind == sqltext.Word && strings.EqualFold(value, "DEFAULT") {
			given = nil // an option that is as if it had not been set
		}
		switch o.Name {
		case "ENGINE":
			if !strings.EqualFold(value, spiderEngine) {
				return refuse(1497, "HY000", "The mix of handlers in the partitions is not allowed in this version of MariaDB: ENGINE=%s in a linked table", value)
			}
			instead = "ENGINE=InnoDB"
		case "COMMENT":
			in.Comment = value
		case "CONNECTION":
			in.Connection = value
		case "REMOTE_SERVER":
			in.Server = given
		case "REMOTE_DATABASE":
			in.Database = given
		case "REMOTE_TABLE":
			in.Table = given
		case "DATA DIRECTORY", "INDEX DIRECTORY": // of nothing
		default:
			continue
		}
		l.edits = append(l.edits, edit{o.Span, instead})
	}
	return nil
}

// parts reads the definitions of partitions. Those that are only counted have the names that MariaDB gives them.
func (l *linked) parts(scan *sqltext.Scan, p *sqltext.Partitioning) ([]spider.Part, error) {
	if p.By.Method == "" || p.By.Method == "SYSTEM_TIME" {
		return nil, unsupported("this way of partitioning a linked table")
	}
	subs := 0
	if p.Sub != nil {
		subs = max(p.SubCount, 1)
	}
	if len(p.Partitions) > 0 {
		return l.defined(scan, p.Partitions, subs)
	}
	var out []spider.Part
	for i := range max(p.Count, 1) {
		if i == maxPlaces {
			return nil, tooManyPartitions()
		}
		part := spider.Part{Name: "p" + strconv.Itoa(i)}
		part.Sub = namedSubs(part.Name, subs)
		out = append(out, part)
	}
	return out, nil
}

// defined reads definitions. subs is how many subpartitions each has that says nothing of them.
func (l *linked) defined(scan *sqltext.Scan, defs []sqltext.PartitionDef, subs int) ([]spider.Part, error) {
	var out []spider.Part
	for i := range defs {
		d := &defs[i]
		part := spider.Part{Name: d.Name.Text}
		if err := l.options(scan, d.Options, &part.Info, ""); err != nil {
			return nil, err
		}
		for n := range d.Subs {
			sub := spider.Part{Name: d.Subs[n].Name.Text}
			if err := l.options(scan, d.Subs[n].Options, &sub.Info, ""); err != nil {
				return nil, err
			}
			part.Sub = append(part.Sub, sub)
		}
		if len(part.Sub) == 0 {
			part.Sub = namedSubs(part.Name, subs)
		} else {
			inherit(&part)
		}
		out = append(out, part)
	}
	return out, nil
}

// inherit gives to defined subpartitions what stands behind their partition, as MariaDB does: it prints it there, and nowhere else. Where one has a text of its own,
// which holds before the partition's, that stays where it is.
func inherit(part *spider.Part) {
	give := func(text func(*spider.Info) *string) {
		own := text(&part.Info)
		if *own == "" || slices.ContainsFunc(part.Sub, func(s spider.Part) bool { return *text(&s.Info) != "" }) {
			return
		}
		for i := range part.Sub {
			*text(&part.Sub[i].Info) = *own
		}
		*own = ""
	}
	give(func(in *spider.Info) *string { return &in.Comment })
	give(func(in *spider.Info) *string { return &in.Connection })
}

// maxPlaces is how many partitions and subpartitions MariaDB allows.
const maxPlaces = 8192

func tooManyPartitions() error {
	return refuse(1499, "HY000", "Too many partitions (including subpartitions) were defined")
}

func namedSubs(partition string, n int) (out []spider.Part) {
	for i := range min(n, maxPlaces) {
		out = append(out, spider.Part{Name: partition + "sp" + strconv.Itoa(i)})
	}
	return out
}

// read reads the definition.
func (l *linked) read() error {
	places := 0
	for i := range l.def.Parts {
		places += max(len(l.def.Parts[i].Sub), 1)
	}
	if places > maxPlaces {
		return tooManyPartitions()
	}
	spec, err := spider.Read(&l.def)
	if err != nil {
		return err
	}
	l.spec = spec
	for i := range spec.Places {
		p := &spec.Places[i]
		for _, secret := range p.Passwords {
			if secret.Reveal() == spider.Masked {
				return refuse(1210, "HY000", "Incorrect arguments to PASSWORD: '%s' stands for a password that is not shown; give the password itself", spider.Masked)
			}
		}
	}
	return nil
}

// notes tell of the parameters that change nothing.
func (l *linked) notes() []Note {
	var out []Note
	for _, name := range l.spec.Unused {
		out = append(out, Note{"Note", 1478, "Table storage engine 'SPIDER' does not support the create option '" + name + "': it is kept, and changes nothing here"})
	}
	return out
}

// link makes a table with its ID a linked one. Its servers must be there.
func (j *job) link(t *topo.Table, l *linked) error {
	t.Kind, t.Places = topo.Linked, nil
	if err := j.keep(t, &l.def); err != nil {
		return err
	}
	for i := range l.spec.Places {
		from := &l.spec.Places[i]
		p := from.Keep()
		for n, secret := range from.Passwords {
			p.Passwords = append(p.Passwords, j.cfg.Seal(secret.Reveal(), t.LinkPurpose(&p, n)))
		}
		t.Places = append(t.Places, p)
	}
	before := j.sameID(t)
	for i := range t.Places {
		if _, err := spider.LinksOf(j.snap, t, i); err != nil {
			return err
		}
		j.status(&t.Places[i], before)
		if _, _, err := spider.UsedLinks(j.snap, t, i); err != nil { // none is left to be read
			return err
		}
	}
	return nil
}

// sameID is what a table was, maybe under another name; nil for a new one.
func (j *job) sameID(t *topo.Table) *topo.Table {
	for _, d := range j.snap.Databases {
		for _, was := range d.Tables {
			if was.ID == t.ID && was.Kind == topo.Linked {
				return was
			}
		}
	}
	return nil
}

// status sets what the links of a place may be used for: what the definition says where this statement writes some of it, else what it was.
func (j *job) status(p *topo.LinkPlace, before *topo.Table) {
	var was *topo.LinkPlace
	if before != nil {
		if at := slices.IndexFunc(before.Places, func(b topo.LinkPlace) bool {
			return strings.EqualFold(b.Partition, p.Partition) && strings.EqualFold(b.Subpartition, p.Subpartition)
		}); at >= 0 {
			was = &before.Places[at]
		}
	}
	kept := spider.Kept(p)
	for i := range p.Count {
		status := kept.AskedStatus(i)
		if was != nil && i < was.Count && (status == 0 || !NamesLinks(j.d)) {
			status = was.StatusOf(i)
		}
		if status != 0 {
			p.SetStatus(i, status)
		}
	}
}
