package gateway

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// placeVariables are the variables that tell of the server that answers: each leaf would say something else. They have these values instead, or those that
// placeText knows, the same ones for all statements and, but for the port and the machine, at all nodes. The whole has no files, no binary log and replicates from
// nobody; null is for what is NULL without them.
var placeVariables = map[string]struct {
	value string
	typ   string
	null  bool
}{
	"hostname": {}, "port": {typ: typeOrNull}, "server_uid": {}, "have_ssl": {}, "report_port": {typ: typeOrNull}, "wsrep_node_name": {},
	"socket": {}, "extra_port": {value: "0", typ: typeOrNull}, "bind_address": {}, "proxy_protocol_networks": {},
	"report_host": {null: true}, "report_user": {null: true}, "report_password": {null: true},

	"server_id": {value: "1", typ: typeOrNull}, "gtid_domain_id": {value: "0", typ: typeOrNull}, "last_gtid": {},
	"gtid_binlog_pos": {}, "gtid_binlog_state": {}, "gtid_current_pos": {}, "gtid_slave_pos": {},
	"log_bin": {value: "0", typ: typeSwitch}, "log_bin_basename": {null: true}, "log_bin_index": {null: true},
	"relay_log": {}, "relay_log_basename": {null: true}, "relay_log_index": {null: true}, "relay_log_info_file": {},

	"basedir": {}, "datadir": {}, "tmpdir": {}, "slave_load_tmpdir": {}, "plugin_dir": {}, "character_sets_dir": {}, "lc_messages_dir": {}, "pid_file": {}, "init_file": {null: true},
	"aria_log_dir_path": {}, "innodb_data_home_dir": {null: true}, "innodb_log_group_home_dir": {}, "innodb_undo_directory": {}, "wsrep_data_home_dir": {},
	"general_log_file": {}, "slow_query_log_file": {}, "log_slow_query_file": {}, "log_error": {},
	"ssl_ca": {null: true}, "ssl_capath": {null: true}, "ssl_cert": {null: true}, "ssl_key": {null: true}, "ssl_crl": {null: true}, "ssl_crlpath": {null: true},
}

// The scopes of variables as information_schema.SYSTEM_VARIABLES names them.
const (
	scopeGlobal      = "GLOBAL"
	scopeSessionOnly = "SESSION ONLY"
)

// loadPlaceVariables learns which of them leaves have, and what the node says itself.
func (g *Gateway) loadPlaceVariables(ctx context.Context, c *backend.Conn) error {
	res, err := c.Query(ctx, "SELECT LOWER(VARIABLE_NAME), VARIABLE_SCOPE FROM information_schema.SYSTEM_VARIABLES WHERE VARIABLE_NAME IN (''"+placeList()+")")
	if err != nil {
		return err
	}
	scopes := map[string]string{}
	for _, row := range res.Rows {
		scopes[string(row[0])] = string(row[1])
	}
	g.placeScopes = scopes
	if g.hostname, err = os.Hostname(); err != nil {
		g.hostname = "localhost"
	}
	sum := sha1.Sum([]byte(g.cfg.ClusterKey)) // a public key: no secret
	g.serverUID = base64.StdEncoding.EncodeToString(sum[:])
	return nil
}

// placeList are the names for a list of SQL that has begun.
func placeList() string {
	return ", '" + strings.ToUpper(strings.Join(slices.Sorted(maps.Keys(placeVariables)), "', '")) + "'"
}

// tellsPlace says whether a variable is one of them.
func tellsPlace(name string) bool {
	_, ok := placeVariables[name]
	return ok
}

// placeText is the value of such a variable.
func (s *session) placeText(name string) (value string, null bool) {
	switch name {
	case "hostname", "wsrep_node_name":
		return s.g.hostname, false
	case "port", "report_port":
		if a, ok := s.conn.LocalAddr().(*net.TCPAddr); ok {
			return strconv.Itoa(a.Port), false
		}
		return "0", false
	case "server_uid":
		return s.g.serverUID, false
	case "have_ssl":
		if s.g.cfg.TLS == nil {
			return "DISABLED", false
		}
		return "YES", false
	}
	v := placeVariables[name]
	return v.value, v.null
}

// placeRows are those variables as SHOW VARIABLES shows them.
func (s *session) placeRows(global bool) [][]any {
	var rows [][]any
	for name, scope := range s.g.placeScopes {
		if global && scope == scopeSessionOnly {
			continue
		}
		value, _ := s.placeText(name)
		if placeVariables[name].typ == typeSwitch {
			value = onOff(value == "1")
		}
		rows = append(rows, []any{name, value})
	}
	return rows
}

// placeValue is sessionValue of these variables alone. A scope that they do not have is left to a leaf to refuse.
func (s *session) placeValue(scan *sqltext.Scan, i int32) (value, typ string, n int32) {
	if scan.Tokens[i].Kind != sqltext.SysVar {
		return "", "", 0
	}
	scope, name, scoped := strings.Cut(strings.Trim(strings.ToLower(strings.TrimPrefix(string(scan.Bytes(i)), "@@")), "`"), ".")
	n = 1
	if !scoped {
		scope, name = "", scope
		if (name == "global" || name == "session" || name == "local") && int(i)+2 < len(scan.Tokens) && isOp(scan, i+1, ".") {
			scope, name, n = name, strings.ToLower(nameAt(scan, i+2, s.mode())), 3
		}
	}
	has, ok := s.g.placeScopes[name]
	if !ok || scope == "global" && has == scopeSessionOnly || scope != "" && scope != "global" && has == scopeGlobal {
		return "", "", 0
	}
	value, null := s.placeText(name)
	switch typ = placeVariables[name].typ; {
	case null:
		return "NULL", typeString, n
	case typ == "":
		return stringLiteral(value), typeString, n
	}
	return value, typ, n
}

// asVariable is a string literal, or NULL, as a column that a variable of that value has: of its length, in the character set of names.
func asVariable(literal string) string {
	length := 0
	if text, ok := strings.CutPrefix(literal, "x'"); ok {
		length = len(text) / 2
	} else if literal != "NULL" {
		length = len(literal) - len("''")
	}
	return "LEFT(IF(1, " + literal + ", VERSION()), " + strconv.Itoa(length) + ")"
}
