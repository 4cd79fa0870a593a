package topo

import (
	"slices"
	"strings"
)

// TriggerMark stands in Trigger.Part for the quoted name of the partition's database, TriggerShape for that of the shape's, where reference tables are.
const (
	TriggerMark  = "\x00"
	TriggerShape = "\x01"
)

// Trigger is a trigger of a table: MariaDB's own in the shape of every leaf, where it is shown, and in every partition, where it is fired. Package trigger has proven that it
// stays there. One of a reference table is fired in the shapes, and is nowhere else; one that nodes run is in the shapes, too, where tables have no rows that could fire it.
type Trigger struct {
	Name    string `json:"name"`
	Timing  string `json:"timing"`  // BEFORE, AFTER
	Event   string `json:"event"`   // INSERT, UPDATE, DELETE
	Definer string `json:"definer"` // user@host, or a role
	// Text is CREATE DEFINER=… TRIGGER … as MariaDB keeps it, Part the same for a partition, with those marks.
	Text string `json:"text"`
	Part string `json:"part"`
	// SQLMode, Charset and Collation are what the text is read under: sql_mode, character_set_client and collation_connection of the session that made it.
	SQLMode   string `json:"sql_mode"`
	Charset   string `json:"charset"`
	Collation string `json:"collation"`
	// Created is when it was made, in seconds since 1970 with two decimals: servers that get it later show that time, too. "" where nobody knows.
	Created string `json:"created,omitempty"`
	// Writes are the tables of the database that it writes, Reads those that it reads, References those of them that are reference tables.
	Writes     []string `json:"writes,omitempty"`
	Reads      []string `json:"reads,omitempty"`
	References []string `json:"references,omitempty"`
	// Calls are the functions of the database that it calls, in lower case.
	Calls []string `json:"calls,omitempty"`
	// Assigns are user variables as it names them, with their @, of which it assigns to some. Variables: it reads such, Account: it asks for the user of the session.
	Assigns   []string `json:"assigns,omitempty"`
	Variables bool     `json:"variables,omitempty"`
	Account   bool     `json:"account,omitempty"`
	// AtNode: it is at no partition, as it may read or write what is elsewhere: nodes run it, once the rows of a statement are written.
	AtNode bool `json:"at_node,omitempty"`
}

// At are those of a table's triggers, db the table's database, that one of its schemas has.
func At(triggers []Trigger, db, schema string) []Trigger {
	if db == schema {
		return triggers
	}
	return slices.DeleteFunc(slices.Clone(triggers), func(t Trigger) bool { return t.AtNode })
}

// In is the text that makes the trigger in a database: db, the shape's, or a partition's.
func (t *Trigger) In(db, schema string) string {
	if db == schema {
		return t.Text
	}
	return t.spliced(db, schema)
}

// Moved is the trigger for a database of another name, as far as its text goes.
func (t *Trigger) Moved(db string) Trigger {
	c := *t
	c.Text = t.spliced(db, db)
	return c
}

func (t *Trigger) spliced(db, schema string) string {
	return strings.NewReplacer(TriggerMark, quote(schema), TriggerShape, quote(db)).Replace(t.Part)
}

// Same says whether two triggers are one, as a server has them.
func (t *Trigger) Same(o *Trigger) bool {
	return t.Name == o.Name && t.Text == o.Text && t.SQLMode == o.SQLMode && t.Charset == o.Charset && t.Collation == o.Collation &&
		(t.Created == o.Created || t.Created == "" || o.Created == "")
}

// Touches says whether a trigger names a table in its body.
func (t *Trigger) Touches(table string) bool {
	for _, names := range [][]string{t.Writes, t.Reads} {
		for _, n := range names {
			if n == table {
				return true
			}
		}
	}
	return false
}
