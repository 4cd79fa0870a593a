package gateway

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// serverRight needs what statements on servers need, and does nothing: it fails with MariaDB's 1477.
const serverRight = "ALTER SERVER `orbweaver: nobody calls a server so` OPTIONS (PORT 0)"

// mayManageServers asks a leaf whether the account may have its way with servers.
func (s *session) mayManageServers(ctx context.Context) error {
	return s.atAnyLeaf(ctx, func(c *backend.Conn) error {
		_, err := c.Query(ctx, serverRight)
		if err != nil && serverError(ctx, err).Code == erNoForeignServer {
			return nil
		}
		return err
	})
}

// showCreateServer is SHOW CREATE SERVER as MariaDB has it from 11.7 on, with the password masked. Those who may make servers may see how.
func (s *session) showCreateServer(ctx context.Context, name string, snap *topo.Snapshot, src source) error {
	if err := s.mayManageServers(ctx); err != nil {
		return err
	}
	v := snap.Server(name)
	if v == nil {
		return topo.NoServer(name)
	}
	options := serverOptions(v, maskedPassword)
	if len(options) == 0 {
		options = []string{"HOST ''"}
	}
	wrapper := v.Wrapper
	if !simpleName.MatchString(wrapper) {
		wrapper = quoteName(wrapper)
	}
	r := rowset{cols: []colDef{text("Server", 64), text("Create Server", 1024)}}
	r.add(v.Name, "CREATE SERVER "+quoteName(v.Name)+" FOREIGN DATA WRAPPER "+wrapper+" OPTIONS ("+strings.Join(options, ", ")+");")
	return r.write(src.out, src.prepared)
}

// simpleName is an identifier that needs no quotes, unless it is a reserved word.
var simpleName = regexp.MustCompile(`^[A-Za-z_][A-Za-z_0-9]*$`)

func maskedPassword(v string) string {
	if v == "" {
		return ""
	}
	return masked
}

// serversTable is mysql.servers.
var serversTable = &systemTable{
	cols: []colDef{
		text("Server_name", 64), text("Host", 2048), text("Db", 64), text("Username", 128), text("Password", 64), integer("Port"), text("Socket", 108),
		text("Wrapper", 64), text("Owner", 512),
	},
	rows: func(ctx context.Context, s *session, snap *topo.Snapshot) ([][]any, error) {
		// The rows become part of the text: whether the account may read the table a leaf has to be asked.
		if err := s.atAnyLeaf(ctx, func(c *backend.Conn) error {
			_, err := c.Query(ctx, "SELECT 1 FROM mysql.servers LIMIT 0")
			return err
		}); err != nil {
			return nil, err
		}
		rows := make([][]any, 0, len(snap.Servers))
		for _, v := range snap.ServerList() {
			rows = append(rows, []any{v.Name, v.Host, v.Database, v.User, maskedPassword(string(v.Password)), v.Port, v.Socket, v.Wrapper, v.Owner})
		}
		return rows, nil
	},
}

// inServers says whether a name is that of mysql.servers.
func (s *session) inServers(t *sqltext.TableName) bool {
	db := t.DB.Text
	if t.DB.Tok < 0 {
		db = s.sess.DB
	}
	return !t.CTE && db == "mysql" && t.Name.Text == "servers"
}

// writesServers says whether a statement changes rows of mysql.servers.
func (s *session) writesServers(stmt *sqltext.Stmt) bool { return s.writesTo(stmt, s.inServers) }

// writesTo says whether a statement changes rows of certain tables, or the tables.
func (s *session) writesTo(stmt *sqltext.Stmt, in func(*sqltext.TableName) bool) bool {
	named := func(refs []sqltext.TableRef) bool {
		found := false
		sqltext.WalkTables(refs, func(r *sqltext.TableRef) { found = found || r.Table != nil && in(r.Table) })
		return found
	}
	switch {
	case stmt.Insert != nil && stmt.Insert.Table != nil:
		return in(stmt.Insert.Table)
	case stmt.Load != nil && stmt.Load.Table != nil:
		return in(stmt.Load.Table)
	case stmt.Update != nil:
		return named(stmt.Update.From)
	case stmt.Delete != nil && !stmt.Delete.Multi:
		return named(stmt.Delete.From)
	case stmt.Delete != nil:
		return slices.ContainsFunc(stmt.Delete.Targets, func(target sqltext.TableName) bool {
			found := in(&target)
			sqltext.WalkTables(stmt.Delete.From, func(r *sqltext.TableRef) {
				found = found || target.DB.Tok < 0 && r.Alias.Tok >= 0 && strings.EqualFold(r.Alias.Text, target.Name.Text) && r.Table != nil && in(r.Table)
			})
			return found
		})
	case stmt.Kind == sqltext.KindDDL:
		return slices.ContainsFunc(stmt.Tables, in)
	}
	return false
}
