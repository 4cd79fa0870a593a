package ddl

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// replacedEngines are those in whose place InnoDB does all that tables are made for. Others (CSV, ARCHIVE, BLACKHOLE, MERGE, …) are asked for what InnoDB does not do.
var replacedEngines = []string{"MYISAM", "ARIA", "MEMORY", "HEAP"}

// transactional has InnoDB in the places of engines without transactions, as MariaDB's enforce_storage_engine has it.
// See https://mariadb.com/kb/en/server-system-variables/#enforce_storage_engine
func (j *job) transactional() []edit {
	if j.d.Object != "TABLE" && j.d.Object != "SEQUENCE" || j.d.Temporary || j.linked != nil {
		return nil
	}
	var edits []edit
	replace := func(options []sqltext.Option) {
		for _, o := range options {
			switch {
			case o.Name == "ENGINE" && slices.Contains(replacedEngines, strings.ToUpper(o.Value.Text)):
				edits = append(edits, edit{o.Span, "ENGINE=InnoDB"})
			case o.Name == "ROW_FORMAT" && slices.Contains(replacedEngines, strings.ToUpper(j.d.Engine)) && slices.Contains([]string{"FIXED", "PAGE"}, strings.ToUpper(o.Value.Text)):
				edits = append(edits, edit{o.Span, "ROW_FORMAT=DEFAULT"}) // InnoDB has no such formats
			}
		}
	}
	var parts func(defs []sqltext.PartitionDef)
	parts = func(defs []sqltext.PartitionDef) {
		for _, p := range defs {
			replace(p.Options)
			parts(p.Subs)
		}
	}
	replace(j.d.Options)
	if j.d.Partitioning != nil {
		parts(j.d.Partitioning.Partitions)
	}
	for _, a := range j.d.Actions {
		replace(a.Options)
		parts(a.PartitionDefs)
	}
	return edits
}

// engineSetting is the variable whose engine tables have that name none.
const engineSetting = "default_storage_engine"

// settleEngine has InnoDB in the place of such an engine in the session's settings, too.
func (j *job) settleEngine() {
	if j.d.Object != "TABLE" && j.d.Object != "SEQUENCE" || j.d.Temporary || !slices.Contains(replacedEngines, strings.ToUpper(defaultEngine(j.s.State))) {
		return
	}
	j.s.State = j.s.State.With(engineSetting, engineSetting+"=InnoDB")
	j.settled = j.d.Verb == "CREATE" && j.d.Engine == "" && j.d.Like == nil
}

// defaultEngine is the engine that a session has set, whose fragment has the name's bytes as a leaf has told them; "" where it has set none.
func defaultEngine(s *backend.State) string {
	text, _ := s.Get(engineSetting)
	_, digits, _ := strings.Cut(text, "x'")
	digits, _, _ = strings.Cut(digits, "'")
	name, err := hex.DecodeString(digits)
	if err != nil {
		return ""
	}
	return string(name)
}

// withEngine adds MariaDB's warning that another engine was taken to a statement's own.
func (j *job) withEngine(res *Result) {
	if len(j.transactional()) == 0 && !j.settled {
		return
	}
	name := ""
	if len(j.d.Tables) > 0 {
		name = j.d.Tables[0].Name.Text
	}
	res.Warnings++
	res.Notes = append([]Note{{"Warning", 1266, "Using storage engine InnoDB for table '" + name + "'"}}, res.Notes...)
}
