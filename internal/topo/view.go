package topo

import "strings"

// View is a view of a sharded database. It is in the shape of every leaf, where MariaDB judges, describes and guards it; statements that name it get Body in its place.
type View struct {
	DB   string `json:"db"`
	Name string `json:"name"`
	// Head and Body make the view, as MariaDB prints it where another database is the current one: every table's name has its database. Head is
	// CREATE ALGORITHM=… DEFINER=… SQL SECURITY …, without VIEW; Body the query, with the view's own names for its columns.
	Head string `json:"head"`
	Body string `json:"body"`
	// Check is CASCADED or LOCAL where there is a WITH CHECK OPTION, "" where there is none.
	Check string `json:"check,omitempty"`
	// DefinerUser and DefinerHost are whose rights count for what it reads, unless Invoker: then they are those of whoever reads it.
	DefinerUser string `json:"definer_user"`
	DefinerHost string `json:"definer_host"`
	Invoker     bool   `json:"invoker,omitempty"`
	// Charset and Collation are character_set_client and collation_connection of the session that made it: they are the view's, whoever reads it.
	Charset   string `json:"charset"`
	Collation string `json:"collation"`
	// Columns are its columns' names. An invalid view keeps those that it had.
	Columns []string `json:"columns"`
	// Updatable: MariaDB takes UPDATE and DELETE of it.
	Updatable bool `json:"updatable,omitempty"`
	// Algorithm is UNDEFINED, MERGE or TEMPTABLE.
	Algorithm string `json:"algorithm,omitempty"`
}

// Create is the statement that makes the view, or takes the place of the one that has its name. It is to be run under Charset and Collation.
func (v *View) Create() string {
	text := "CREATE OR REPLACE" + strings.TrimPrefix(v.Head, "CREATE") + " VIEW " + quote(v.DB) + "." + quote(v.Name) + " AS " + v.Body
	if v.Check != "" {
		text += " WITH " + v.Check + " CHECK OPTION"
	}
	return text
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
