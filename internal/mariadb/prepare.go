package mariadb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// Facts are what is known of a server that is to be a leaf.
type Facts struct {
	Version  string
	ServerID uint32
}

// UnfitError: a server can't be a leaf as it is. Nothing was changed there.
type UnfitError struct {
	Addr, Setting, Value, Wanted string
}

func (e *UnfitError) Error() string {
	return fmt.Sprintf("Unable to add leaf %s: %s is %s, it must be %s", e.Addr, e.Setting, e.Value, e.Wanted)
}

// MySQL is 1731, MemSQL's for leaves that can't be added.
func (e *UnfitError) MySQL() (uint16, string, string) { return 1731, "HY000", e.Error() }

// oldest is the first version that is fit: rights TO PUBLIC came with it.
const oldest = 101100

// maxSkew is how far a server's clock may be from this node's.
const maxSkew = 5 * time.Second

// Prepare makes a server fit to be a leaf: by an operator's account it is looked at, then what can be set while it runs is set, and the cluster's account is
// made. *UnfitError names what only a restart can change, or what is in the way. taken are the server ids that leaves have;
// settings say what must be free there.
func (s *Servers) Prepare(ctx context.Context, addr, user, password, clusterKey string, taken map[uint32]string, settings topo.Settings) (f Facts, err error) {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr, cfg.User, cfg.Passwd, cfg.Timeout = "tcp", addr, user, password, 5*time.Second
	cfg.Logger = &mysql.NopLogger{} // the error says it
	if cfg.TLS = s.pools.TLS(addr); cfg.TLS == nil {
		cfg.TLSConfig = "preferred"
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return f, err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	c, err := db.Conn(ctx)
	if err != nil {
		return f, fmt.Errorf("leaf %s: %w", addr, err)
	}
	defer c.Close()
	var now float64
	var vars [7]string
	if err := c.QueryRowContext(ctx, "SELECT VERSION(), @@GLOBAL.server_id, UNIX_TIMESTAMP(NOW(6)), @@GLOBAL.log_bin, @@GLOBAL.log_slave_updates, @@GLOBAL.innodb_read_only,"+
		" @@GLOBAL.lower_case_table_names, @@GLOBAL.read_only, @@GLOBAL.skip_networking").Scan(
		&f.Version, &f.ServerID, &now, &vars[0], &vars[1], &vars[2], &vars[3], &vars[4], &vars[5]); err != nil {
		return f, fmt.Errorf("leaf %s: %w", addr, err)
	}
	unfit := func(setting, value, wanted string) error { return &UnfitError{addr, setting, value, wanted} }
	if n := number(f.Version); n < oldest || !strings.Contains(f.Version, "MariaDB") {
		return f, unfit("version", f.Version, "MariaDB 10.11 or newer")
	}
	if skew := time.Since(time.UnixMicro(int64(now * 1e6))).Abs(); skew > maxSkew {
		return f, unfit("its clock", skew.Round(time.Second).String()+" off", "within "+maxSkew.String())
	}
	if name, used := taken[f.ServerID]; used || f.ServerID == 0 {
		return f, unfit("server_id", strconv.FormatUint(uint64(f.ServerID), 10), "one that no other leaf has ("+name+" has it)")
	}
	for i, want := range []struct{ name, value string }{
		{"log_bin", "1"}, {"log_slave_updates", "1"}, {"innodb_read_only", "0"}, {"lower_case_table_names", "0"}, {"read_only", "0"},
	} {
		if vars[i] != want.value {
			return f, unfit(want.name, vars[i], want.value)
		}
	}
	var databases string
	if err := c.QueryRowContext(ctx, "SELECT COALESCE(GROUP_CONCAT(SCHEMA_NAME SEPARATOR ', '), '') FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN"+
		" ('mysql', 'information_schema', 'performance_schema', 'sys', "+ours+")").Scan(&databases); err != nil {
		return f, fmt.Errorf("leaf %s: %w", addr, err)
	}
	if databases != "" {
		return f, unfit("its data", "the databases "+databases, "none: a server that holds data is not taken into the cluster")
	}
	var grants string
	if err := c.QueryRowContext(ctx, "SELECT GROUP_CONCAT(PRIVILEGE_TYPE) FROM information_schema.USER_PRIVILEGES WHERE GRANTEE = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''') AND IS_GRANTABLE = 'YES'").Scan(&grants); err != nil || !strings.Contains(grants, "SUPER") {
		return f, unfit("the account "+user, "without all privileges", "one that has ALL PRIVILEGES WITH GRANT OPTION")
	}
	if err := roomy(ctx, c, settings, unfit); err != nil {
		return f, err
	}
	for _, q := range []string{
		unlogged, "RESET MASTER", ownDomain, "SET GLOBAL gtid_strict_mode=ON", "SET GLOBAL binlog_format='ROW'", "SET GLOBAL local_infile=ON", "SET GLOBAL max_allowed_packet=1073741824",
		"SET GLOBAL proxy_protocol_networks='*'", "SET GLOBAL max_connect_errors=4294967295",
		"INSTALL SONAME 'auth_ed25519'",
		"CREATE OR REPLACE USER orbweaver@'%' IDENTIFIED VIA ed25519 USING " + lit(clusterKey),
		"GRANT ALL PRIVILEGES ON *.* TO orbweaver@'%' WITH GRANT OPTION",
	} {
		if _, err := c.ExecContext(ctx, q); err != nil && !strings.HasPrefix(q, "INSTALL") { // it may be there; the account's making says whether it is
			return f, fmt.Errorf("leaf %s: %w", addr, err)
		}
	}
	return f, nil
}

// roomy refuses a server that would take no writes. One that does not tell what it has is taken: the controller says so later.
func roomy(ctx context.Context, c *sql.Conn, settings topo.Settings, unfit func(setting, value, wanted string) error) error {
	if settings.DiskReserve == (topo.Reserve{}) && settings.MemoryReserve == (topo.Reserve{}) {
		return nil
	}
	room, err := look(ctx, func(ctx context.Context, q string) ([][]string, error) { return ask(ctx, c, q) }, func(err error) bool {
		var refused *mysql.MySQLError
		return errors.As(err, &refused)
	})
	if err != nil {
		return err
	}
	disk, memory := room.Short(settings, topo.Shortage{}, topo.Shortage{})
	switch {
	case disk.Short():
		return unfit("its free disk space", topo.Size(disk.Left), "more than disk_reserve, which is "+topo.Size(disk.Reserve)+" there")
	case memory.Short():
		return unfit("its machine's free memory", topo.Size(memory.Left), "more than memory_reserve, which is "+topo.Size(memory.Reserve)+" there")
	}
	return nil
}

// ask is a statement's answer as text.
func ask(ctx context.Context, c *sql.Conn, q string) ([][]string, error) {
	rows, err := c.QueryContext(ctx, q)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out [][]string
	for rows.Next() {
		row := make([]string, len(names))
		into := make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// number is 101119 for "10.11.19-MariaDB".
func number(version string) int {
	version, _, _ = strings.Cut(version, "-")
	n := 0
	for part := range strings.SplitSeq(version, ".") {
		i, err := strconv.Atoi(part)
		if err != nil {
			return 0
		}
		n = n*100 + i
	}
	return n
}
