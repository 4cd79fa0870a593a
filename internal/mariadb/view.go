package mariadb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// ErrViewText: a view's text has bytes that are no characters, as MariaDB prints strings of other character sets.
var ErrViewText = errors.New("the text has strings that are not UTF-8")

// ReadView reads a view as a server has it, over a connection of the cluster's; nil when there is none of that name. What a session has set is changed.
func ReadView(ctx context.Context, c *backend.Conn, db, name string) (*topo.View, error) {
	// Where another database is the current one, MariaDB prints every table with its own.
	for _, sql := range []string{"SET SESSION sql_mode='', sql_quote_show_create=1", "USE information_schema"} {
		if _, err := c.Query(ctx, sql); err != nil {
			return nil, err
		}
	}
	res, err := c.Query(ctx, "SELECT CHECK_OPTION, IS_UPDATABLE, DEFINER, SECURITY_TYPE, ALGORITHM FROM information_schema.VIEWS WHERE TABLE_SCHEMA = "+lit(db)+" AND TABLE_NAME = "+lit(name))
	if err != nil || len(res.Rows) == 0 {
		return nil, err
	}
	row := res.Rows[0]
	v := &topo.View{DB: db, Name: name, Updatable: string(row[1]) == "YES", Invoker: string(row[3]) == "INVOKER", Algorithm: string(row[4])}
	if check := string(row[0]); check != "NONE" {
		v.Check = check
	}
	definer := string(row[2])
	if at := strings.LastIndexByte(definer, '@'); at >= 0 {
		v.DefinerUser, v.DefinerHost = definer[:at], definer[at+1:]
	}
	if res, err = c.Query(ctx, "SHOW CREATE VIEW "+id(db)+"."+id(name)); err != nil {
		return nil, err
	}
	v.Charset, v.Collation = string(res.Rows[0][2]), string(res.Rows[0][3])
	create := string(res.Rows[0][1])
	head, body, ok := strings.Cut(create, " VIEW "+id(db)+"."+id(name)+" AS ")
	if !utf8.ValidString(create) {
		return nil, fmt.Errorf("%w: view %s.%s", ErrViewText, db, name)
	}
	if !ok {
		return nil, fmt.Errorf("what leaf %s prints of view %s.%s can't be read", c.Leaf(), db, name)
	}
	if v.Head, v.Body = head, body; v.Check != "" {
		if v.Body, ok = strings.CutSuffix(body, " WITH "+v.Check+" CHECK OPTION"); !ok {
			return nil, fmt.Errorf("leaf %s prints no check option of view %s.%s", c.Leaf(), db, name)
		}
	}
	// The text is written anew in UTF-8 at other leaves.
	if strings.ContainsFunc(v.Body, func(r rune) bool { return r >= utf8.RuneSelf }) && v.Charset != "utf8mb3" {
		v.Charset = "utf8mb4"
	}
	if res, err = c.Query(ctx, "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = "+lit(db)+" AND TABLE_NAME = "+lit(name)+" ORDER BY ORDINAL_POSITION"); err != nil {
		return nil, err
	}
	for _, row := range res.Rows {
		v.Columns = append(v.Columns, string(row[0]))
	}
	return v, nil
}

// MakeView makes a view over a connection of the cluster's, in the place of the one that has its name. What the session has set is changed. A server refuses a view of
// what it does not have: a *wire.ServerError.
func MakeView(ctx context.Context, c *backend.Conn, v *topo.View) error {
	charset, collation := v.Charset, v.Collation
	sets := []string{"SET SESSION sql_mode=''", "SET character_set_client=" + charset, "SET collation_connection=" + collation}
	// Functions that it calls are its database's.
	for _, sql := range append(sets, "USE "+id(v.DB), v.Create()) {
		if _, err := c.Query(ctx, sql); err != nil {
			return err
		}
	}
	_, err := c.Query(ctx, "SET NAMES utf8mb4")
	return err
}

// MakeViews makes views, those that others read first. The server's refusals come back by view: a view may be of what is no more. Any other failure ends it.
func MakeViews(ctx context.Context, c *backend.Conn, views []*topo.View) (refused map[*topo.View]error, err error) {
	todo := slices.Clone(views)
	for {
		refused = map[*topo.View]error{}
		left := todo[:0:0]
		for _, v := range todo {
			err := MakeView(ctx, c, v)
			var no *wire.ServerError
			switch {
			case errors.As(err, &no):
				refused[v] = err
				left = append(left, v)
			case err != nil:
				return nil, fmt.Errorf("leaf %s, view %s.%s: %w", c.Leaf(), v.DB, v.Name, err)
			}
		}
		if len(left) == 0 || len(left) == len(todo) {
			return refused, nil
		}
		todo = left
	}
}
