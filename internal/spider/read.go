package spider

import (
	"slices"
	"strings"
)

// Info is the connect information that stands at one place of a statement: behind the table, a partition, or a subpartition.
type Info struct {
	Comment    string // COMMENT
	Connection string // CONNECTION
	// The options REMOTE_SERVER, REMOTE_DATABASE and REMOTE_TABLE; nil where one is not there.
	Server, Database, Table *string
}

// Table is what the statement says of a linked table.
type Table struct {
	Info
	Parts []Part
	Keys  int // how many keys the table has, for parameters that number one; -1: not known
}

// Part is a partition or, in Sub, a subpartition.
type Part struct {
	Name string
	Info
	Sub []Part
}

// Spec is what was read of a linked table.
type Spec struct {
	// Places are the table's partitions in order, or its subpartitions where it has such; a table that has neither is one place without a name.
	Places []Place
	// Unused are the parameters that change nothing here, by the names that were written, each once and in the order of the text.
	Unused []string
}

// Place is a table, a partition or a subpartition whose rows live behind links. It is a plain value, fit to be kept: what a server says of a link comes in
// when the links are asked for.
type Place struct {
	Partition    string `json:"partition,omitempty"`
	Subpartition string `json:"subpartition,omitempty"`
	// Count is how many links there are.
	Count int `json:"count"`
	// Params are the parameters that are written for it, by their long names: one value for all links, or one for each.
	Params map[string][]string `json:"params,omitempty"`
	// Passwords are those of the parameter that is not among Params, likewise. Whoever keeps a place seals them and keeps them beside it.
	Passwords []Secret `json:"-"`
}

// source is connect information taken apart.
type source struct {
	params map[string][]string
	// names are how the parameters were written, where an option forbids them.
	names map[string]string
}

// options are the parameters that have options of their own, and forbid them elsewhere.
var options = []string{"server", "database", "table"}

// staticID is the parameter that may name fewer links than there are.
const staticID = "static_link_id"

func (in *Info) option(name string) *string {
	switch name {
	case "server":
		return in.Server
	case "database":
		return in.Database
	}
	return in.Table
}

// Read reads what a statement says of a linked table. What a server adds is not looked at.
func Read(t *Table) (*Spec, error) {
	r := reader{keys: t.Keys, seen: map[string]bool{}}
	// In the order in which they are looked up: comments from the inside out, then connections from the inside out.
	comment, err := r.source(t.Comment)
	if err != nil {
		return nil, err
	}
	connection, err := r.source(t.Connection)
	if err != nil {
		return nil, err
	}
	if len(t.Parts) == 0 {
		p, err := r.place(Place{}, []source{comment, connection}, []*Info{&t.Info})
		if err != nil {
			return nil, err
		}
		return &Spec{Places: []Place{*p}, Unused: r.unused}, nil
	}
	for i := range t.Parts {
		if err := r.part(&t.Parts[i], comment, connection, &t.Info); err != nil {
			return nil, err
		}
	}
	return &Spec{Places: r.places, Unused: r.unused}, nil
}

// reader is a Read under way.
type reader struct {
	keys   int
	places []Place
	unused []string
	seen   map[string]bool // of unused
}

// part reads a partition.
func (r *reader) part(part *Part, comment, connection source, table *Info) error {
	partComment, partConnection, err := r.both(&part.Info)
	if err != nil {
		return err.at("partition", part.Name)
	}
	if len(part.Sub) == 0 {
		p, err := r.place(Place{Partition: part.Name}, []source{partComment, comment, partConnection, connection}, []*Info{&part.Info, table})
		if err != nil {
			return err.at("partition", part.Name)
		}
		r.places = append(r.places, *p)
	}
	for j := range part.Sub {
		sub := &part.Sub[j]
		subComment, subConnection, err := r.both(&sub.Info)
		if err != nil {
			return err.at("subpartition", sub.Name)
		}
		p, err := r.place(Place{Partition: part.Name, Subpartition: sub.Name},
			[]source{subComment, partComment, comment, subConnection, partConnection, connection}, []*Info{&sub.Info, &part.Info, table})
		if err != nil {
			return err.at("subpartition", sub.Name)
		}
		r.places = append(r.places, *p)
	}
	return nil
}

func (r *reader) both(in *Info) (comment, connection source, err *Error) {
	if comment, err = r.source(in.Comment); err == nil {
		connection, err = r.source(in.Connection)
	}
	return comment, connection, err
}

// source takes connect information apart and checks each value.
func (r *reader) source(info string) (source, *Error) {
	s := source{params: map[string][]string{}, names: map[string]string{}}
	list, err := pairs(info)
	if err != nil {
		return s, err
	}
	for _, w := range list {
		p, number := lookup(w.name)
		if p == nil {
			return s, invalid(w.name, "there is no such parameter")
		}
		values, why := p.read(w.value, number, r.keys)
		if why != "" {
			return s, invalid(w.name, why)
		}
		if !p.effect && !r.seen[w.name] {
			r.seen[w.name] = true
			r.unused = append(r.unused, w.name)
		}
		name := p.canonical() + number
		if _, set := s.params[name]; set || values == nil { // the first one counts
			continue
		}
		s.params[name] = values
		s.names[name] = w.name
	}
	return s, nil
}

// check looks at what a parameter's values may be, beyond their kind, where there are so many links.
func (p *param) check(values []string, links int) *Error {
	if p.each() && len(values) > 1 && len(values) != links && p.name != staticID {
		return differentCounts(p.canonical(), len(values), links)
	}
	for i, v := range values {
		if p.limit > 0 && len(v) > p.limit {
			return tooLong(p.canonical(), v, p.limit)
		}
		switch p.name {
		case "wrapper":
			if !known(v) {
				return badWrapper(v)
			}
		case staticID:
			if v != "" && v[0] >= '0' && v[0] <= '9' {
				return numberedStaticID(v)
			}
			// A name that is not there is like an empty one. Between two that are, spaces at the end do not count, as in the system table.
			same := func(w string) bool { return strings.TrimRight(w, " ") == strings.TrimRight(v, " ") }
			if v == "" && len(values) < links || slices.ContainsFunc(values[i+1:], same) {
				return sameStaticID(v)
			}
		}
	}
	return nil
}

// known says whether a wrapper is one for SQL on MariaDB.
func known(wrapper string) bool {
	return strings.EqualFold(wrapper, "mysql") || strings.EqualFold(wrapper, "mariadb")
}

// place brings together what holds for one place: sources and infos are from the inside out.
func (r *reader) place(p Place, sources []source, infos []*Info) (*Place, *Error) {
	p.Params = map[string][]string{}
	for _, s := range sources {
		for name, values := range s.params {
			if _, set := p.Params[name]; !set {
				p.Params[name] = values
			}
		}
	}
	for _, name := range options {
		at := slices.IndexFunc(infos, func(in *Info) bool { return in.option(name) != nil })
		if at < 0 {
			continue
		}
		for _, s := range sources {
			if written, set := s.names[name]; set {
				return nil, invalid(written, "REMOTE_"+strings.ToUpper(name)+" is given, too")
			}
		}
		values, why := byName[name].read(*infos[at].option(name), "", r.keys)
		if why != "" {
			return nil, invalid("REMOTE_"+strings.ToUpper(name), why)
		}
		p.Params[name] = values
	}
	p.Count = 1
	for name, values := range p.Params {
		if q := byName[name]; q != nil && q.each() {
			p.Count = max(p.Count, len(values))
		}
	}
	for i := range params { // in a fixed order, so that the same statement has the same error
		if err := params[i].check(p.Params[params[i].canonical()], p.Count); err != nil {
			return nil, err
		}
	}
	for _, v := range p.Params["password"] {
		p.Passwords = append(p.Passwords, Secret(v))
	}
	delete(p.Params, "password")
	return &p, nil
}
