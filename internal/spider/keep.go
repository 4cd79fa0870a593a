package spider

import (
	"strings"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// Masked stands for a password where a client sees it.
const Masked = "***"

// Mask is connect information without its passwords, otherwise as it is written. What can't be read is masked whole.
func Mask(info string) string {
	list, err := pairs(info)
	if err != nil {
		return Masked
	}
	var b strings.Builder
	at := 0
	for _, w := range list {
		if p, _ := lookup(w.name); p != nil && p.name == "password" && w.value != "" {
			b.WriteString(info[at:w.at])
			b.WriteString(Masked)
			at = w.at + len(w.value)
		}
	}
	b.WriteString(info[at:])
	return b.String()
}

// Keep is a place as the catalog keeps it. Its passwords are the caller's to seal, for topo.Table.LinkPurpose of the result.
func (p *Place) Keep() topo.LinkPlace {
	return topo.LinkPlace{Partition: p.Partition, Subpartition: p.Subpartition, Count: p.Count, Params: p.Params}
}

// Kept is a place of the catalog, without passwords.
func Kept(p *topo.LinkPlace) Place {
	return Place{Partition: p.Partition, Subpartition: p.Subpartition, Count: p.Count, Params: p.Params}
}

// NameTable writes the name of a remote table where a definition says nothing of it. Not every name can be written: read the definition, and see.
func NameTable(in *Info, name string) {
	word := name
	if strings.Contains(word, " ") {
		word = strings.NewReplacer(`\`, `\\`, " ", `\ `).Replace(word)
	}
	if in.Comment == "" && in.Connection == "" && (in.Server != nil || in.Database != nil) {
		in.Table = &word
		return
	}
	text := &in.Comment
	if in.Comment == "" && in.Connection != "" {
		text = &in.Connection
	}
	quote := `"`
	if strings.Contains(word, quote) {
		quote = "'"
	}
	before := strings.TrimRight(*text, blanks+",")
	if before != "" {
		before += ", "
	}
	*text = before + "table " + quote + word + quote
}

// LinksOf are the links of a place of a table in the catalog, with what their servers say there. Their passwords are sealed.
func LinksOf(snap *topo.Snapshot, t *topo.Table, place int) ([]Link, error) {
	kept := &t.Places[place]
	p := Kept(kept)
	links, err := p.Links(t.DB, t.Name, func(name string) (Server, bool) {
		v := snap.Server(name)
		if v == nil {
			return Server{}, false
		}
		return Server{Name: v.Name, Wrapper: v.Wrapper, Host: v.Host, Port: v.Port, Socket: v.Socket, User: v.User, Database: v.Database}, true
	})
	if err != nil {
		return nil, err
	}
	for i := range links {
		l := &links[i]
		l.Status = kept.StatusOf(i)
		if n := len(kept.Passwords); n > 0 {
			at := min(i, n-1)
			l.Sealed, l.Purpose = kept.Passwords[at], t.LinkPurpose(kept, at)
		} else if l.Server != "" {
			v := snap.Server(l.Server)
			l.Sealed, l.Purpose = v.Password, v.Purpose()
		}
	}
	return links, nil
}

// UsedLinks are the links of a place that are in use, in the order in which they are written: those that are read, too, which are the first, then those in RECOVERY.
// Spare ones, beyond active_link_count, are not in use.
func UsedLinks(snap *topo.Snapshot, t *topo.Table, place int) (used []Link, readable int, err error) {
	links, err := LinksOf(snap, t, place)
	if err != nil {
		return nil, 0, err
	}
	p := Kept(&t.Places[place])
	links = links[:p.Active()]
	if len(links) == 1 && links[0].Status == topo.LinkOK {
		return links, 1, nil
	}
	for _, status := range []int{topo.LinkOK, topo.LinkRecovery} {
		for i := range links {
			if links[i].Status == status {
				used = append(used, links[i])
			}
		}
		if status == topo.LinkOK {
			readable = len(used)
		}
	}
	if readable == 0 {
		return nil, 0, AllFailed(t.DB, p.Name(t.Name))
	}
	return used, readable, nil
}

// Slots number the links of a table that lead to one account of one server, by place and link: the first links of all places, then the second ones, and so on. Each
// is a connection of its own to a transaction, whatever its status, so that a link keeps its number.
func Slots(snap *topo.Snapshot, t *topo.Table) ([][]int, error) {
	next := map[Account]int{}
	out, all, most := make([][]int, len(t.Places)), make([][]Link, len(t.Places)), 0
	for i := range t.Places {
		var err error
		if all[i], err = LinksOf(snap, t, i); err != nil {
			return nil, err
		}
		out[i] = make([]int, len(all[i]))
		most = max(most, len(all[i]))
	}
	for n := range most {
		for i := range all {
			if n < len(all[i]) {
				a := all[i][n].Account()
				out[i][n] = next[a]
				next[a]++
			}
		}
	}
	return out, nil
}

// Name is what errors call the server that a link leads to: as CREATE SERVER does, or its address.
func (l *Link) Name() string {
	switch {
	case l.Server != "":
		return l.Server
	case l.Socket != "" && l.Local():
		return l.Socket
	}
	return l.Host
}

// Account is one account of one server, but for its password; links to the same have equal ones.
type Account struct {
	host, socket, user, wrapper string
	port                        int
	tls                         TLS
}

// Account is where the link leads to.
func (l *Link) Account() Account {
	return Account{l.Host, l.Socket, l.User, strings.ToLower(l.Wrapper), l.Port, l.TLS}
}

// SameAccount says whether two links lead to one account of one server, but for the passwords that they give.
func (l *Link) SameAccount(o *Link) bool { return l.Account() == o.Account() }
