//go:build clients

package clients

import (
	"path/filepath"
	"testing"
)

// node's mysql2, of the version that testdata/node/package-lock.json names.
func TestMySQL2(t *testing.T) {
	if _, err := command(t, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", source(t, "node")); err != nil {
		t.Fatal(err)
	}
	same(t, "mysql2_db", 100, func(s site) (string, error) {
		return program(t, s, "node", source(t, filepath.Join("node", "client.js")))
	})
}

// Connector/J, as Debian has it.
func TestConnectorJ(t *testing.T) {
	dir := t.TempDir()
	const driver = "/usr/share/java/mariadb-java-client.jar"
	if _, err := command(t, "javac", "-encoding", "UTF-8", "-d", dir, source(t, "Client.java")); err != nil {
		t.Fatal(err)
	}
	same(t, "connector_j", 500, func(s site) (string, error) {
		return program(t, s, "java", "-XX:TieredStopAtLevel=1", "-cp", dir+":"+driver, "Client")
	})
}
