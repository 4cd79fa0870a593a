package main

import (
	"slices"
	"strings"
	"time"
)

// trigger is one of a table, which may write to the table log.
type trigger struct {
	name, when string
	table      *table
	body       string
}

func (t *trigger) create() string {
	return "CREATE TRIGGER " + t.table.db + "." + t.name + " " + t.when + " ON " + t.table.full() + " FOR EACH ROW " + t.body
}

// triggers gives tables some, and makes the table that those of acc write. What they do does not hang on the order of rows, and rows that an episode begins with do not end in an error.
func (g *gen) triggers(w *world) {
	acc := w.table("d1", "acc")
	log := &table{db: "d1", name: "log", one: acc.one, shard: []string{"lid"}, extra: "KEY (lid)", cols: []column{
		plainColumn("lid", strings.TrimSuffix(acc.column("id").decl, " NOT NULL"), num, numbers(1, 22), false),
		{name: "what", ty: ty{str, common}, decl: "VARCHAR(10) CHARACTER SET utf8mb4 COLLATE " + common, pool: quoted([]string{"ins", "upd", "del"}), null: true},
		plainColumn("ln", "INT", num, numbers(0, 9), true),
	}}
	g.fill(log)
	w.more = append(w.more, log)
	const tooMuch = "IF NEW.grp > 5 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'too much'; END IF; "
	for _, c := range []struct {
		table, when string
		bodies      []string
	}{
		{"d1.acc", "BEFORE INSERT", []string{"SET NEW.boss = IFNULL(NEW.boss, NEW.grp)", "SET NEW.f = NEW.grp * 1.5, NEW.born = IFNULL(NEW.born, '2001-02-03')",
			"SET NEW.big = (SELECT COUNT(*) FROM item WHERE cat = NEW.grp)", "BEGIN " + tooMuch + "SET NEW.boss = NEW.boss + 1; END"}},
		{"d1.acc", "BEFORE UPDATE", []string{"SET NEW.boss = OLD.grp", "BEGIN " + tooMuch + "SET NEW.amt = IF(NEW.amt < OLD.amt, OLD.amt, NEW.amt); END",
			"SET NEW.boss = (SELECT MAX(ln) FROM log WHERE lid = NEW.id)", "BEGIN DECLARE x INT DEFAULT 0; WHILE x < 2 DO SET x = x + 1; END WHILE; SET NEW.grp = IF(NEW.grp = 3, x, NEW.grp); END"}},
		{"d1.acc", "BEFORE DELETE", []string{"INSERT INTO log (lid, what, ln) VALUES (OLD.id, 'del', OLD.grp)"}},
		{"d1.acc", "AFTER INSERT", []string{"INSERT INTO log (lid, what, ln) VALUES (NEW.id, 'ins', NEW.grp)", "UPDATE log SET ln = ln + 1 WHERE lid = NEW.id"}},
		{"d1.acc", "AFTER UPDATE", []string{"INSERT INTO log SET lid = NEW.id, what = 'upd', ln = OLD.grp", "UPDATE log SET ln = IFNULL(ln, 0) + 1 WHERE lid = OLD.id AND what <> 'ins'",
			"IF NOT (NEW.grp <=> OLD.grp) THEN INSERT INTO log VALUES (NEW.id, 'upd', NEW.grp), (NEW.id, 'was', OLD.grp); END IF"}},
		{"d1.acc", "AFTER DELETE", []string{"DELETE FROM log WHERE lid = OLD.id", "DELETE FROM log WHERE OLD.id = lid AND ln < 5"}},
		{"d1.ord", "BEFORE INSERT", []string{"SET NEW.qty = IFNULL(NEW.qty, 1)", "SET NEW.price = NEW.qty + 0.5"}},
		{"d1.ord", "BEFORE UPDATE", []string{"SET NEW.day = IFNULL(NEW.day, OLD.day)", "SET NEW.item = IF(NEW.tot > 20, OLD.item, NEW.item)"}},
		{"d1.heap", "BEFORE INSERT", []string{"SET NEW.n = NEW.x * 2"}},
		{"d1.word", "BEFORE UPDATE", []string{"IF NEW.n IS NULL THEN SET NEW.n = OLD.n; END IF"}},
		{"d1.seq", "BEFORE INSERT", []string{"SET NEW.c = NEW.c + IFNULL(NEW.v, 0)"}},
		{"d2.usr", "BEFORE UPDATE", []string{"SET NEW.n = CASE WHEN NEW.n IN (SELECT id FROM tag) THEN NEW.n ELSE OLD.n END"}},
		{"d2.ver", "BEFORE UPDATE", []string{"SET NEW.v = NEW.v + 1"}},
	} {
		if !g.chance(40) {
			continue
		}
		t := w.named(c.table)
		name := "tr_" + t.name + strings.ToLower(c.when[:1]+c.when[strings.IndexByte(c.when, ' ')+1:][:1])
		w.triggers = append(w.triggers, &trigger{name, c.when, t, c.bodies[g.IntN(len(c.bodies))]})
	}
	if len(w.triggers)%2 == 1 { // so that what they write is elsewhere, and nodes run them
		log.shard = []string{"what"}
	}
}

// related gives tables foreign keys: to rows of the same partition, and to those of reference tables.
func (g *gen) related(w *world) {
	acc, ord, item := w.table("d1", "acc"), w.table("d1", "ord"), w.table("d1", "item")
	action := func() string {
		return g.pick("", " ON DELETE RESTRICT", " ON DELETE CASCADE", " ON DELETE NO ACTION ON UPDATE RESTRICT")
	}
	if acc.column("id").decl == "INT NOT NULL" && g.chance(70) {
		ord.relate("fk_acc", "acc", acc, "id", action())
	}
	if g.chance(50) {
		action := g.pick("", " ON DELETE SET NULL", " ON DELETE RESTRICT")
		if strings.Contains(ord.extra, "CHECK") { // MariaDB wants no check of what it sets to NULL
			action = ""
		}
		ord.relate("fk_item", "item", item, "id", action)
	}
	if g.chance(30) {
		acc.relate("fk_grp", "grp", item, "id", "")
	}
}

func (t *table) relate(name, col string, to *table, key, action string) {
	t.foreign = append(t.foreign, foreign{to, "CONSTRAINT " + name + " FOREIGN KEY (" + col + ") REFERENCES " + to.name + " (" + key + ")" + action})
	to.referred = true
}

// foreign is a foreign key.
type foreign struct {
	to   *table
	text string
}

// reached are the tables that a write to some of them may change, by triggers and foreign keys as well.
func (w *world) reached(names []string) []string {
	out := slices.Clone(names)
	for n := 0; n < len(out); n++ {
		add := func(name string) {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
		for _, t := range w.triggers {
			if t.table.full() == out[n] && namesWord(t.body, "log") {
				add("d1.log")
			}
		}
		for _, t := range w.tables {
			if slices.ContainsFunc(t.foreign, func(f foreign) bool { return f.to.full() == out[n] }) {
				add(t.full())
			}
		}
	}
	return out
}

// beside is what a write to tables may read or lock of others, as a text that names these.
func (w *world) beside(names []string) string {
	text := ""
	for _, name := range names {
		for _, f := range w.named(name).foreign {
			text += " " + f.to.name
		}
	}
	return text + " " + w.triggerTexts(strings.Join(names, " "))
}

// triggerTexts are the triggers of the tables that a text names.
func (w *world) triggerTexts(text string) string {
	out := ""
	for _, t := range w.triggers {
		if names(text, t.table) {
			out += t.body + " "
		}
	}
	return out
}

// creation is all tables, those that foreign keys refer to before those that have them.
func (w *world) creation() []*table {
	all := w.everything()
	rank := func(t *table) int {
		switch {
		case len(t.foreign) == 0:
			return 0
		case t.referred:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(all, func(a, b *table) int { return rank(a) - rank(b) })
	return all
}

// replaced is the world with other tables in the place of some.
func (w *world) replaced(by map[*table]*table) *world {
	c := *w
	swap := func(list []*table) (out []*table) {
		for _, t := range list {
			if n := by[t]; n != nil {
				t = n
			}
			out = append(out, t)
		}
		return out
	}
	c.tables, c.more, c.triggers = swap(w.tables), swap(w.more), nil
	for _, t := range w.triggers {
		n := *t
		n.table = swap([]*table{t.table})[0]
		c.triggers = append(c.triggers, &n)
	}
	return &c
}

// unfired leaves out triggers and foreign keys.
func (z *shrinker) unfired() (smaller bool, err error) {
	for i := 0; i < len(z.best.w.triggers) && time.Now().Before(z.until); i++ {
		t, w := *z.best, *z.best.w
		w.triggers = slices.Delete(slices.Clone(w.triggers), i, i+1)
		t.w = &w
		ok, err := z.accept(&t)
		if err != nil {
			return smaller, err
		}
		if ok {
			smaller = true
			i--
		}
	}
	for _, old := range z.best.w.tables {
		if len(old.foreign) == 0 {
			continue
		}
		t, n := *z.best, *old
		n.foreign = nil
		t.w = t.w.replaced(map[*table]*table{old: &n})
		ok, err := z.accept(&t)
		if err != nil {
			return smaller, err
		}
		smaller = smaller || ok
	}
	return smaller, nil
}
