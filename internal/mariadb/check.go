package mariadb

import (
	"context"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
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
