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

// PHP's mysqli and PDO.
func TestPHP(t *testing.T) {
	same(t, "php_db", 40, func(s site) (string, error) { return program(t, s, "php", source(t, "client.php")) })
}

// unchanged is what CREATE DATABASE has for an application that knows nothing of shard keys.
const unchanged = "/*!999999 DEFAULT SHARD KEY () */"

// A Django application with Django's own parts: migrations, the ORM, and what it finds out about tables.
func TestDjango(t *testing.T) {
	same(t, "django_db", 150, func(s site) (string, error) {
		return program(t, s, "/usr/bin/python3", source(t, "django_app.py"))
	}, unchanged)
}

// SQLAlchemy's own tests for dialects. Some fail at any MariaDB; the same ones do at both.
func TestSQLAlchemy(t *testing.T) {
	same(t, "sqlalchemy_db", 600, func(s site) (string, error) {
		if out, err := cli(t, s, "", "DROP DATABASE IF EXISTS test_schema; CREATE DATABASE test_schema "+unchanged); err != nil {
			return out, err
		}
		return program(t, s, "/usr/bin/python3", source(t, "sqlalchemy_suite.py"))
	}, unchanged)
}
