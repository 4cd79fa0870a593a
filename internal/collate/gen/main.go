// Command gen reads the weights of collations from a MariaDB server into the file that package collate embeds.
//
//	go run ./gen -dsn 'root@tcp(127.0.0.1:3306)/' -out weights.bin
//
// A table is kept only if it has been seen to be true: besides single characters, gen asks for strings of pairs, and marks the pairs
// whose weights are not the weights of the two.
package main

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"fmt"
	"log"
	"os"
	"strings"

	_ "github.com/go-sql-driver/mysql"
)

func main() {
	dsn := flag.String("dsn", "root@tcp(127.0.0.1:3306)/", "the server to ask")
	out := flag.String("out", "weights.bin", "the file to write")
	flag.Parse()
	if err := run(context.Background(), *dsn, *out); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, dsn, out string) error {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SET NAMES utf8mb4, sql_mode='', max_statement_time=0"); err != nil {
		return err
	}
	g := &generator{ctx: ctx, conn: conn, tables: map[string]int{}}
	list, err := g.collations()
	if err != nil {
		return err
	}
	for _, c := range list {
		if err := g.read(c); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return os.WriteFile(out, g.encode(list), 0o644)
}

// collation is one line of the file.
type collation struct {
	id            int
	name, charset string
	isDefault     bool
	levels, enc   int
	pad           [3][]byte
	table         int // into generator.packed, -1 for none
}

type generator struct {
	ctx    context.Context
	conn   *sql.Conn
	packed [][]byte
	tables map[string]int // content to position: collations share tables
}

func (g *generator) collations() ([]*collation, error) {
	rows, err := g.conn.QueryContext(g.ctx, `SELECT a.ID, a.FULL_COLLATION_NAME, a.CHARACTER_SET_NAME, a.IS_DEFAULT = 'Yes'
		FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY a
		WHERE a.CHARACTER_SET_NAME <> 'binary' ORDER BY a.ID`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*collation
	for rows.Next() {
		c := &collation{levels: 1, table: -1}
		if err := rows.Scan(&c.id, &c.name, &c.charset, &c.isDefault); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// wide character sets have no byte that is ASCII.
func wide(charset string) bool {
	return strings.HasPrefix(charset, "utf16") || charset == "ucs2" || charset == "utf32"
}

func (g *generator) read(c *collation) error {
	if err := g.padding(c); err != nil {
		return err
	}
	switch {
	case c.levels > 1 || wide(c.charset):
		return nil
	case (c.charset == "utf8mb4" || c.charset == "utf8mb3") && fullTable(c.name):
		log.Printf("%s: all characters", c.name)
		return g.unicode(c)
	default:
		return g.bytes(c)
	}
}

// fullTable lists the collations whose every character is worth a table.
func fullTable(name string) bool {
	_, rest, _ := strings.Cut(name, "_")
	switch strings.Replace(rest, "nopad_", "", 1) {
	case "general_ci", "unicode_ci", "unicode_520_ci", "uca1400_ai_ci", "bin":
		return true
	}
	return false
}

// padding finds the weights of a space on each level.
func (g *generator) padding(c *collation) error {
	space := []byte(" ")
	switch {
	case strings.HasPrefix(c.charset, "utf16"), c.charset == "ucs2":
		space = []byte{0, ' '}
		if c.charset == "utf16le" {
			space = []byte{' ', 0}
		}
	case c.charset == "utf32":
		space = []byte{0, 0, 0, ' '}
	}
	w, err := g.weight(c, space)
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(c.name, "_")
	nopad := strings.Contains(rest, "nopad")
	switch {
	case strings.HasSuffix(c.name, "_as_cs") && len(w) == 6:
		c.levels, c.pad = 3, [3][]byte{w[:2], w[2:4], w[4:]}
	case (strings.HasSuffix(c.name, "_as_ci") || strings.HasSuffix(c.name, "_w2")) && len(w) == 4:
		c.levels, c.pad = 2, [3][]byte{w[:2], w[2:]}
	case strings.HasSuffix(c.name, "_ai_cs") && len(w) == 4:
		c.levels, c.pad = 3, [3][]byte{w[:2], nil, w[2:]} // no weight is on the second level
	case c.name == "latin2_czech_cs" || c.name == "cp1250_czech_cs":
		// Their weights end all levels themselves, and leave spaces at the end out.
	default:
		c.pad[0] = w
	}
	if nopad && strings.HasSuffix(c.name, "_ai_cs") {
		c.pad[0] = nil // the third level is padded all the same, since letters without a first level have a third
	} else if nopad {
		c.pad = [3][]byte{}
	}
	return nil
}

// weight asks for the weights of one string.
func (g *generator) weight(c *collation, s []byte) ([]byte, error) {
	var w []byte
	err := g.conn.QueryRowContext(g.ctx, fmt.Sprintf("SELECT WEIGHT_STRING(_%s x'%x' COLLATE %s)", c.charset, s, c.name)).Scan(&w)
	return w, err
}

// entry is a character's weights.
type entry struct {
	w            []byte
	invalid      bool
	head, second bool
}

// bytes makes a table of single bytes: all 256 for single-byte character sets, ASCII for the others.
func (g *generator) bytes(c *collation) error {
	n, enc := 256, encByte
	if g.multiByte(c.charset) {
		n, enc = 128, encASCII
	}
	es := make([]entry, n)
	var all []byte // every pair of valid bytes
	var want []byte
	for i := range es {
		w, err := g.weight(c, []byte{byte(i)})
		if err != nil {
			es[i].invalid = true
			continue
		}
		es[i].w = w
	}
	for i := range es {
		for j := range es {
			if !es[i].invalid && !es[j].invalid {
				all = append(all, byte(i), byte(j))
				want = append(append(want, es[i].w...), es[j].w...)
			}
		}
	}
	got, err := g.weight(c, all)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		log.Printf("%s: weights of a string are not those of its bytes, no table", c.name)
		return nil
	}
	c.enc, c.table = enc, g.pack(es, nil, nil)
	return nil
}

func (g *generator) multiByte(charset string) bool {
	switch charset {
	case "big5", "ujis", "sjis", "euckr", "gb2312", "gbk", "utf8mb3", "utf8mb4", "cp932", "eucjpms":
		return true
	}
	return false
}
