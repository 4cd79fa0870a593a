package clients

import "testing"

func TestPyMySQL(t *testing.T) {
	same(t, "pymysql_db", 60, func(s site) (string, error) { return program(t, s, "/usr/bin/python3", source(t, "client.py")) })
}
