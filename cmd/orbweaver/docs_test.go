package main

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// documents runs the statements that README.md and the pages on SQL show, as a reader would type them.
func documents(t *testing.T, p *process) {
	for _, doc := range []string{"README.md", "docs/tables.md", "docs/programs.md", "docs/sql.md", "docs/linked.md", "docs/transactions.md", "docs/high-availability.md", "docs/backup.md"} {
		t.Run(filepath.Base(doc), func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(doc)))
			if err != nil {
				t.Fatal(err)
			}
			statements := strings.ReplaceAll(boxes(string(b), "sql"), "/var/backups/", t.TempDir()+"/")
			if strings.Contains(statements, warehouse) {
				statements = strings.ReplaceAll(statements, warehouse, remoteWarehouse(t))
			}
			if strings.Count(statements, ";") < 10 {
				t.Fatalf("only these statements were found:\n%s", statements)
			}
			p.program(t, statements, "mariadb", "--default-character-set=utf8mb4")
		})
	}
}

// warehouse is the server that the pages' linked tables lead to.
const warehouse = "HOST '10.0.0.5', PORT 3306"

// remoteWarehouse is a server like that.
func remoteWarehouse(t *testing.T) string {
	leaf := farmtest.Start(t, 1).Leaves()[0]
	db, err := sql.Open("mysql", "root@unix("+leaf.Socket+")/?multiStatements=true")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("CREATE DATABASE stock; CREATE TABLE stock.item (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40));" +
		"CREATE TABLE stock.purchase_0 (id INT PRIMARY KEY, customer INT, amount DECIMAL(10,2)); CREATE TABLE stock.purchase_1 LIKE stock.purchase_0;" +
		"CREATE TABLE stock.purchase_2 LIKE stock.purchase_0; CREATE TABLE stock.purchase_3 LIKE stock.purchase_0;" +
		"CREATE USER reader@'%' IDENTIFIED BY 'secret'; GRANT ALL ON stock.* TO reader@'%'"); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("HOST '%s', PORT %d", leaf.Host, leaf.Port)
}

// boxes are the contents of a document's fenced boxes of one language.
func boxes(doc, language string) string {
	var out strings.Builder
	in := false
	for line := range strings.Lines(doc) {
		switch {
		case strings.HasPrefix(line, "```"):
			in = !in && strings.TrimSpace(line) == "```"+language
		case in:
			out.WriteString(line)
		}
	}
	return out.String()
}
