package mariadb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// ErrRoutineText: a routine has characters that its character_set_client would have to be known for, or a name that is not ASCII.
var ErrRoutineText = errors.New("the name has characters beyond ASCII, or the text has and was not written in UTF-8")

// ReadRoutine reads a procedure or function as a server has it, over a connection of the cluster's; nil when there is none of that name.
func ReadRoutine(ctx context.Context, c *backend.Conn, kind topo.RoutineKind, db, name string) (*topo.Routine, error) {
	res, err := c.Query(ctx, "SELECT name, definer, security_type = 'INVOKER', is_deterministic = 'YES', REPLACE(sql_data_access, '_', ' '), UNIX_TIMESTAMP(created), UNIX_TIMESTAMP(modified), aggregate = 'GROUP' FROM mysql.proc"+
		" WHERE db = "+lit(db)+" AND type = "+lit(string(kind))+" AND name = "+lit(name))
	if err != nil || len(res.Rows) == 0 {
		return nil, err
	}
	v := func(i int) string { return string(res.Rows[0][i]) }
	r := &topo.Routine{DB: db, Kind: kind, Name: v(0), Definer: v(1), Invoker: v(2) == "1", Deterministic: v(3) == "1", Access: v(4), Created: v(5), Modified: v(6), Aggregate: v(7) == "1"}
	if res, err = c.Query(ctx, "SHOW CREATE "+string(kind)+" "+id(db)+"."+id(r.Name)); err != nil {
		return nil, err
	}
	r.SQLMode, r.Text, r.Charset, r.Collation, r.DBCollation = v(1), v(2), v(3), v(4), v(5)
	beyond := func(b rune) bool { return b >= utf8.RuneSelf }
	if strings.ContainsFunc(r.Name, beyond) || strings.ContainsFunc(r.Text, beyond) && (r.Charset != "utf8mb3" && r.Charset != "utf8mb4" || !utf8.ValidString(r.Text)) {
		return nil, fmt.Errorf("%w: %s.%s", ErrRoutineText, db, r.Name)
	}
	return r, nil
}

// MakeRoutine makes a routine in its database, which is the default one of the connection, a cluster's. It takes the place of one that has its name, whose grants stay. What the
// session has set is changed.
func MakeRoutine(ctx context.Context, c *backend.Conn, r *topo.Routine) error {
	head, rest, ok := strings.Cut(r.Text, " ")
	if !ok || head != "CREATE" {
		return fmt.Errorf("the text of routine %s.%s is none", r.DB, r.Name)
	}
	if r.Kind == topo.Function { // where there is a binary log MariaDB takes none, else, that does not say of itself that it is DETERMINISTIC or reads only
		if _, err := c.Query(ctx, "SET GLOBAL log_bin_trust_function_creators=ON"); err != nil {
			return err
		}
	}
	for _, sql := range []string{"SET SESSION sql_mode=" + lit(r.SQLMode), "SET timestamp=" + r.Created, "SET character_set_client=" + r.Charset, "SET collation_connection=" + r.Collation, "CREATE OR REPLACE " + rest,
		"SET NAMES utf8mb4", "SET SESSION sql_mode='', timestamp=" + r.Modified} {
		if _, err := c.Query(ctx, sql); err != nil {
			return err
		}
	}
	if r.Modified != r.Created {
		if _, err := c.Query(ctx, "ALTER "+string(r.Kind)+" "+id(r.Name)); err != nil {
			return err
		}
	}
	_, err := c.Query(ctx, "SET timestamp=DEFAULT")
	return err
}
