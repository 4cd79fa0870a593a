package mariadb

import (
	"context"
	"errors"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Checks is the database with the views by which nodes write to tables where a CHECK OPTION is to be looked at. They are everybody's to use and nobody's to gain by: whoever uses one
// needs the rights on its table. A node makes one when it first needs it, at that server alone; it holds nothing.
const Checks = Schema + "_checks"

// installChecks are the statements that make all this.
var installChecks = []string{
	"CREATE DATABASE IF NOT EXISTS " + Checks + " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
	"GRANT SELECT, INSERT, UPDATE, DELETE ON `orbweaver\\_checks`.* TO PUBLIC",
}

// MakeCheck makes such a view, if it is not there, over a connection of the cluster's whose settings end with its use. The query is read as that of the view of is.
func MakeCheck(ctx context.Context, c *backend.Conn, name, query string, of *topo.View) error {
	for _, sql := range []string{
		unlogged, "SET SESSION sql_mode='', lock_wait_timeout=20", "SET character_set_client=" + of.Charset, "SET collation_connection=" + of.Collation,
		"CREATE DEFINER='orbweaver'@'%' SQL SECURITY INVOKER VIEW IF NOT EXISTS " + Checks + "." + id(name) + " AS " + query + " WITH CASCADED CHECK OPTION",
	} {
		if _, err := c.Query(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// checksWait is for how many seconds DropChecks waits for a transaction that has used a view.
const checksWait = 1

// DropChecks drops such views at a server where there are more than can be needed: views and tables have changed since. Whoever needs one makes it anew.
func (s *Servers) DropChecks(ctx context.Context, server string, needed int) error {
	res, err := s.at(ctx, server, "SHOW TABLES FROM "+Checks)
	if err != nil || len(res.Rows) <= needed {
		return err
	}
	steps := []string{unlogged, "SET SESSION lock_wait_timeout=" + strconv.Itoa(checksWait)}
	for _, row := range res.Rows {
		steps = append(steps, "DROP VIEW IF EXISTS "+Checks+"."+id(string(row[0])))
	}
	_, err = s.at(ctx, server, steps...)
	var refused *wire.ServerError
	if errors.As(err, &refused) && refused.Code == wire.ErLockWaitTimeout {
		return nil // the next time
	}
	return err
}
