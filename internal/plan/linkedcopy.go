package plan

import (
	"slices"

	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// hasCopies says whether a table has several links at some place.
func hasCopies(t *topo.Table) bool {
	return slices.ContainsFunc(t.Places, func(p topo.LinkPlace) bool { return p.Count > 1 })
}

// gather notes the tables of each side, and numbers the links of its first one: those of the others that go with it have the same numbers.
func (l *linker) gather() error {
	for _, t := range l.stmt.Tables {
		k := l.side(t.Span.From)
		if t.CTE || k == nil {
			continue
		}
		table, _, err := l.lookup(t)
		if err != nil {
			return err
		}
		if table == nil || table.Kind != topo.Linked {
			continue
		}
		if len(l.members[k]) == 0 {
			if l.slots[k], err = spider.Slots(l.snap, table); err != nil {
				return linkError(err)
			}
		}
		l.members[k] = append(l.members[k], member{table, l.plan.Writes && (l.inserts(t) || l.main[t.Span.From])})
	}
	return nil
}

// reads is the link by which a table is read at a place: the first one that is OK and leads to where all tables of the statement are; if there is none, its first.
func (l *linker) reads(k *Linked, table *topo.Table, place int) (*spider.Link, error) {
	links, n, err := spider.UsedLinks(l.snap, table, place)
	if err != nil {
		return nil, linkError(err)
	}
	if n == 1 && len(l.members[k]) == 1 {
		return &links[0], nil
	}
	first := l.members[k][0].table
	candidates, m, err := spider.UsedLinks(l.snap, first, place)
	if err != nil {
		return nil, linkError(err)
	}
	for c := range candidates[:m] {
		var own *spider.Link
		everywhere := true
		for _, o := range l.members[k] {
			if place >= len(o.table.Places) {
				continue
			}
			at, err := l.linkAt(o.table, place, &candidates[c], false)
			if err != nil {
				return nil, err
			}
			if o.table == first {
				at = &candidates[c]
			}
			if o.table == table {
				own = at
			}
			everywhere = everywhere && at != nil
		}
		if everywhere && own != nil {
			return own, nil
		}
	}
	return &links[0], nil
}

// linkAt is a table's link, at a place, to the account that another leads to; nil when it has none. written: one that is not read will do.
func (l *linker) linkAt(table *topo.Table, place int, to *spider.Link, written bool) (*spider.Link, error) {
	links, n, err := spider.UsedLinks(l.snap, table, place)
	if err != nil {
		return nil, linkError(err)
	}
	if !written {
		links = links[:n]
	}
	for i := range links {
		if links[i].SameAccount(to) {
			return &links[i], nil
		}
	}
	return nil, nil
}

// take notes by which link a table is reached at a place.
func (p *LinkedPlace) take(table *topo.Table, place int, link *spider.Link) error {
	p.Names = append(p.Names, RemoteName{link.Database, link.Table})
	if link.Monitor != 0 {
		p.Monitored = append(p.Monitored, Watched{table, place, link.ID})
	}
	return p.add(link)
}

// copies adds the further links of what is written: each place has its own, and all tables of the statement must be there.
func (l *linker) copies(k *Linked) error {
	if !l.plan.Writes {
		return nil
	}
	members := l.members[k]
	at := slices.IndexFunc(members, func(m member) bool { return m.written })
	if at < 0 || !slices.ContainsFunc(members, func(m member) bool { return m.written && hasCopies(m.table) }) {
		return nil
	}
	copies, own := make([][]int, len(k.Places)), len(k.Places)
	for i := range own {
		links, _, err := spider.UsedLinks(l.snap, members[at].table, i)
		if err != nil {
			return linkError(err)
		}
		for _, m := range members {
			other, _, err := spider.UsedLinks(l.snap, m.table, i)
			if err != nil {
				return linkError(err)
			}
			if m.written && len(other) != len(links) {
				return errLinked("a write to tables that have not the same links")
			}
		}
		chosen, err := l.reads(k, members[at].table, i)
		if err != nil {
			return err
		}
		for n := range links {
			if links[n].ID == chosen.ID {
				continue
			}
			p := LinkedPlace{Slot: l.slot(k, members[at].table, i, &links[n]), ReadOnly: k.Places[i].ReadOnly}
			for _, t := range k.Tables {
				link, err := l.linkAt(t.Table, i, &links[n], true)
				if err != nil {
					return err
				}
				if t.Table == members[at].table {
					link = &links[n]
				}
				if link == nil {
					return errLinked("a write to a table with several links, beside '" + t.Table.Name + "', which is not at all of them")
				}
				if err := p.take(t.Table, i, link); err != nil {
					return err
				}
			}
			k.Places = append(k.Places, p)
			copies[i] = append(copies[i], len(k.Places)-1)
		}
	}
	if len(k.Places) == own {
		return nil
	}
	k.Copies = copies
	return l.repeatable(k)
}

// slot is the number that a link of a table has: that of the first table's link to the same account.
func (l *linker) slot(k *Linked, table *topo.Table, place int, link *spider.Link) int {
	slots := l.slots[k][place]
	if table == l.members[k][0].table {
		return slots[link.ID]
	}
	if first, err := l.linkAt(l.members[k][0].table, place, link, true); err == nil && first != nil {
		return slots[first.ID]
	}
	return len(slots)
}

// repeatable refuses what would not write the same twice.
func (l *linker) repeatable(k *Linked) error {
	limited := func() bool {
		switch st := l.stmt; {
		case st.Update != nil:
			return st.Update.Limit != nil
		case st.Delete != nil:
			return st.Delete.Limit != nil
		}
		return false
	}
	switch {
	case l.found: // what is done to them is the same
		return nil
	case l.differsByLeaf() != "":
		return errLinked("a write to a table with several links that need not do the same at each: by a function that differs by call")
	case limited():
		return errLinked("LIMIT in a write to a table with several links, which must take the same rows at each")
	case l.stmt.Load != nil && k.Tables[0].Table.AutoIncrement >= 0 && !k.Tables[0].Table.Numbered():
		return errLinked("LOAD DATA into a table with several links whose AUTO_INCREMENT values are its servers'")
	}
	return nil
}
