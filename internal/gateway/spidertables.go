package gateway

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// spiderTables are the tables that Spider keeps in the schema mysql, with the columns of MariaDB 10.11. Those without an entry in spiderRows are empty: what
// they are about is not done here, or is the cluster's own business.
var spiderTables = map[string]string{
	"spider_link_failed_log": `
		db_name char(64), table_name char(199), link_id char(64), failed_time timestamp`,
	"spider_link_mon_servers": `
		db_name char(64), table_name char(199), link_id char(64), sid int(10) unsigned, server char(64), scheme char(64), host char(64), port char(5),
		socket text, username char(64), password char(64), ssl_ca text, ssl_capath text, ssl_cert text, ssl_cipher char(64), ssl_key text,
		ssl_verify_server_cert tinyint(4), default_file text, default_group char(64), dsn char(64), filedsn text, driver char(64)`,
	"spider_table_crd": `
		db_name char(64), table_name char(199), key_seq int(10) unsigned, cardinality bigint(20)`,
	"spider_table_position_for_recovery": `
		db_name char(64), table_name char(199), failed_link_id int(11), source_link_id int(11), file text, position text, gtid text`,
	"spider_table_sts": `
		db_name char(64), table_name char(199), data_file_length bigint(20) unsigned, max_data_file_length bigint(20) unsigned,
		index_file_length bigint(20) unsigned, records bigint(20) unsigned, mean_rec_length bigint(20) unsigned, check_time datetime, create_time datetime,
		update_time datetime, checksum bigint(20) unsigned`,
	"spider_tables": `
		db_name char(64), table_name char(199), link_id int(11), priority bigint(20), server char(64), scheme char(64), host char(64), port char(5),
		socket text, username char(64), password char(64), ssl_ca text, ssl_capath text, ssl_cert text, ssl_cipher char(64), ssl_key text,
		ssl_verify_server_cert tinyint(4), monitoring_binlog_pos_at_failing tinyint(4), default_file text, default_group char(64), dsn char(64),
		filedsn text, driver char(64), tgt_db_name char(64), tgt_table_name char(64), link_status tinyint(4), block_status tinyint(4),
		static_link_id char(64)`,
	"spider_xa": `
		format_id int(11), gtrid_length int(11), bqual_length int(11), data binary(128), status char(8)`,
	"spider_xa_failed_log": `
		format_id int(11), gtrid_length int(11), bqual_length int(11), data binary(128), scheme char(64), host char(64), port char(5), socket text,
		username char(64), password char(64), ssl_ca text, ssl_capath text, ssl_cert text, ssl_cipher char(64), ssl_key text,
		ssl_verify_server_cert tinyint(4), default_file text, default_group char(64), dsn char(64), filedsn text, driver char(64), thread_id int(11),
		status char(8), failed_time timestamp`,
	"spider_xa_member": `
		format_id int(11), gtrid_length int(11), bqual_length int(11), data binary(128), scheme char(64), host char(64), port char(5), socket text,
		username char(64), password char(64), ssl_ca text, ssl_capath text, ssl_cert text, ssl_cipher char(64), ssl_key text,
		ssl_verify_server_cert tinyint(4), default_file text, default_group char(64), dsn char(64), filedsn text, driver char(64)`,
}

// mysqlSchema is the schema of MariaDB's own tables.
const mysqlSchema = "mysql"

// spiderRows make the rows of Spider's tables.
var spiderRows = map[string]func(ctx context.Context, s *session, snap *topo.Snapshot) ([][]any, error){
	"spider_tables": func(_ context.Context, _ *session, snap *topo.Snapshot) ([][]any, error) {
		return spiderTableRows(snap), nil
	},
}

// addSpiderTables puts Spider's tables among the system tables.
func addSpiderTables() {
	spiderRows["spider_xa"], spiderRows["spider_xa_member"], spiderRows["spider_xa_failed_log"] = spiderXA, spiderXAMember, spiderXAFailedLog
	for name, columns := range spiderTables {
		t := &systemTable{rows: func(ctx context.Context, s *session, snap *topo.Snapshot) ([][]any, error) {
			if err := s.mayRead(ctx, name); err != nil {
				return nil, err
			}
			if rows := spiderRows[name]; rows != nil {
				return rows(ctx, s, snap)
			}
			return keptRows(snap, name)
		}}
		for column := range strings.SplitSeq(columns, ",") {
			words := strings.Fields(column)
			col := text(words[0], 64)
			if strings.Contains(words[1], "int(") {
				col = integer(words[0])
			}
			t.cols = append(t.cols, col)
			t.types = append(t.types, strings.ToUpper(strings.Join(words[1:], " ")))
		}
		systemTables[mysqlSchema+"."+name] = t
	}
}

// mysqlTable is under what a table of the schema mysql is among the system tables; "" when it is not.
func (s *session) mysqlTable(t *sqltext.TableName) string {
	db := t.DB.Text
	if t.DB.Tok < 0 {
		db = s.sess.DB
	}
	if t.CTE || db != mysqlSchema {
		return ""
	}
	if name := mysqlSchema + "." + t.Name.Text; systemTables[name] != nil {
		return name
	}
	return ""
}

// inSpiderTables says whether a name is that of one of Spider's tables.
func (s *session) inSpiderTables(t *sqltext.TableName) bool {
	return spiderTables[t.Name.Text] != "" && s.mysqlTable(t) != ""
}

// writesSpiderTables refuses to change Spider's tables: nobody would act on it.
func (s *session) writesSpiderTables(stmt *sqltext.Stmt) error {
	if !s.writesTo(stmt, s.inSpiderTables) || s.writesKept(stmt) != "" {
		return nil
	}
	return unsupported("Writing to mysql.spider_…", "these tables tell of linked tables, which CREATE TABLE, ALTER TABLE and DROP TABLE change; only spider_link_mon_servers and spider_link_failed_log are written, by INSERT, REPLACE, UPDATE and DELETE on that table alone")
}

// mayRead asks a leaf whether the account may read a table of the schema mysql that leaves do not have: rights come before that.
func (s *session) mayRead(ctx context.Context, name string) error {
	return s.atAnyLeaf(ctx, func(c *backend.Conn) error {
		_, err := c.Query(ctx, "SELECT 1 FROM mysql."+quoteName(name)+" LIMIT 0")
		var e *wire.ServerError
		if errors.As(err, &e) && e.Code == wire.ErNoSuchTable {
			return nil
		}
		return err
	})
}

// defaultPriority is Spider's order of locks where nobody says another.
const defaultPriority = "1000000"

// spiderTableRows are the rows of mysql.spider_tables: one for each link, with what the table's definition says of it. What a server adds is not there.
func spiderTableRows(snap *topo.Snapshot) [][]any {
	var rows [][]any
	for _, db := range slices.Sorted(maps.Keys(snap.Databases)) {
		tables := snap.Databases[db].Tables
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			for i := range tables[name].Places {
				rows = append(rows, linkRows(tables[name], &tables[name].Places[i])...)
			}
		}
	}
	return rows
}

// linkRows are the rows of one place's links.
func linkRows(t *topo.Table, kept *topo.LinkPlace) [][]any {
	var rows [][]any
	p := spider.Kept(kept)
	for link := range p.Count {
		text := func(name string) any {
			if v, ok := p.Text(name, link); ok {
				return v
			}
			return nil
		}
		number := func(name, otherwise string) any {
			if v, ok := p.Text(name, link); ok {
				otherwise = v
			}
			return otherwise
		}
		var password any
		if n := len(kept.Passwords); n > 0 {
			password = maskedPassword(string(kept.Passwords[min(link, n-1)]))
		}
		rows = append(rows, []any{
			t.DB, p.Name(t.Name), strconv.Itoa(link), number("priority", defaultPriority), text("server"), text("wrapper"), text("host"), text("port"),
			text("socket"), text("user"), password, text("ssl_ca"), text("ssl_capath"), text("ssl_cert"), text("ssl_cipher"), text("ssl_key"),
			number("ssl_verify_server_cert", "0"), number("monitoring_binlog_pos_at_failing", "0"), text("default_file"), text("default_group"), text("dsn"),
			text("filedsn"), text("driver"), text("database"), text("table"), strconv.Itoa(kept.StatusOf(link)), "0", text("static_link_id"),
		})
	}
	return rows
}

// typedTable is rows as SQL without an alias, with the columns' types as MariaDB writes them.
func typedTable(cols []colDef, types []string, rows [][]any) string {
	pick := make([]int, len(cols))
	var b strings.Builder
	b.WriteString("JSON_TABLE(")
	for i := range cols {
		pick[i] = i
	}
	if slices.ContainsFunc(types, func(t string) bool { return strings.HasPrefix(t, "BINARY") }) {
		b.WriteString(latinRows(rows))
	} else {
		b.WriteString(documentLiteral(jsonRows(cols, pick, rows)))
	}
	b.WriteString(", '$[*]' COLUMNS (")
	for i, c := range cols {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quoteName(c.name) + " " + types[i])
		if strings.HasPrefix(types[i], "CHAR") || types[i] == "TEXT" {
			b.WriteString(" CHARACTER SET utf8mb3 COLLATE utf8mb3_bin")
		}
		b.WriteString(" PATH '$[" + strconv.Itoa(i) + "]'")
	}
	b.WriteString("))")
	return b.String()
}
