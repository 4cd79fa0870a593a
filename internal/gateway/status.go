package gateway

import (
	"crypto/tls"
	"strings"
)

// connectionStatus are the status variables that tell of the client's connection, by their names in lower case: a leaf's are about the node's connection to it.
func (s *session) connectionStatus() map[string]string {
	m := map[string]string{"ssl_cipher": "", "ssl_version": ""}
	if state := s.conn.TLS(); state != nil {
		m["ssl_cipher"] = tls.CipherSuiteName(state.CipherSuite)
		m["ssl_version"] = strings.Replace(tls.VersionName(state.Version), " ", "v", 1) // TLSv1.3
	}
	return m
}

// statusRow is a row of SHOW STATUS as the client should see it.
func (s *session) statusRow(row [][]byte) [][]byte {
	if len(row) == 2 && strings.HasPrefix(string(row[0]), "Ssl_") {
		if value, ok := s.connectionStatus()[strings.ToLower(string(row[0]))]; ok {
			row[1] = []byte(value)
		}
	}
	return row
}

// statusTable is a table of information_schema that tells of status variables, with those of the client's connection; "" for other tables.
func (s *session) statusTable(name string) string {
	if name != "SESSION_STATUS" && name != "GLOBAL_STATUS" {
		return ""
	}
	text := "(SELECT VARIABLE_NAME, CASE VARIABLE_NAME"
	for k, v := range s.connectionStatus() {
		text += " WHEN '" + strings.ToUpper(k) + "' THEN " + stringLiteral(v)
	}
	return text + " ELSE VARIABLE_VALUE END AS VARIABLE_VALUE FROM information_schema." + name + ")"
}
