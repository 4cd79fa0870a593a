package clients

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestConnectorC(t *testing.T) {
	flags, err := command(t, "mariadb_config", "--cflags", "--libs")
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "client")
	args := append([]string{"-O1", "-Wall", "-Werror", "-o", bin, source(t, "client.c")}, strings.Fields(flags)...)
	if _, err := command(t, "gcc", args...); err != nil {
		t.Fatal(err)
	}
	same(t, "connector_c", 250, func(s site) (string, error) { return program(t, s, bin) })
}
