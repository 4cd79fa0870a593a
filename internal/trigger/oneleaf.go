package trigger

import (
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// placed are functions that even at one leaf tell of the leaf, its connection or its files.
var placed = map[string]bool{"CONNECTION_ID": true, "LOAD_FILE": true, "MASTER_POS_WAIT": true, "MASTER_GTID_WAIT": true, "BINLOG_GTID_POS": true, "WSREP_LAST_WRITTEN_GTID": true,
	"WSREP_LAST_SEEN_GTID": true, "WSREP_SYNC_WAIT_UPTO_GTID": true}

// alikeVariables are the system variables that a function may read: leaves have them alike, or they are the session's, whose value goes along to each, or what the function was made under.
var alikeVariables = map[string]bool{}

func init() {
	for n := range strings.FieldsSeq("version version_comment license protocol_version lower_case_table_names " +
		"sql_mode time_zone lc_time_names lc_messages default_week_format div_precision_increment group_concat_max_len character_set_client character_set_connection " +
		"character_set_server character_set_system character_set_database collation_connection collation_database collation_server old_mode max_sort_length") {
		alikeVariables[n] = true
	}
}

// alikeVariable says whether a token is such a variable, which has the session's scope.
func (j *judge) alikeVariable(i int32) bool {
	scope, name, scoped := strings.Cut(strings.ToLower(strings.TrimPrefix(string(j.scan.Bytes(i)), "@@")), ".")
	if !scoped {
		scope, name = "", scope
		if n := int(i) + 2; (name == "session" || name == "local" || name == "global") && n < len(j.scan.Tokens) && j.scan.Tokens[i+1].Kind == sqltext.Op && j.scan.Tokens[i+1].Op == '.' {
			scope, name = name, strings.ToLower(string(sqltext.Unquote(nil, j.scan.Tokens[n], j.scan.Src, j.scan.Mode())))
		}
	}
	// Those of a server that is no session's are asked for without a scope, too.
	return scope != "global" && alikeVariables[strings.Trim(name, "`")]
}

// wholeQuery finds the tables of a query that one leaf runs, whatever it does with them.
func (j *judge) wholeQuery(q *sqltext.Query) error {
	if q.With != nil {
		for i := range q.With.CTEs {
			if err := j.query(q.With.CTEs[i].Query); err != nil {
				return err
			}
		}
	}
	s, err := j.single(q)
	if s == nil {
		return err
	}
	if _, err := j.factors(s.From); err != nil {
		return err
	}
	return j.clauses(s)
}
