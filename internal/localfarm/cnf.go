package localfarm

import (
	"fmt"
	"strings"
)

// OwnDomain is where servers' own GTID domains begin: that of a server is OwnDomain and its server_id.
const OwnDomain uint32 = 1 << 31

// cnf is the text of a leaf's my.cnf.
func cnf(l Leaf, dataDir, tmpDir string, throwaway bool, options []string) string {
	var b strings.Builder
	b.WriteString("# Written by Orbweaver at every start: changes here are lost. Give options with --mariadb-option.\n[mariadbd]\n")
	set := func(name, value string) { fmt.Fprintf(&b, "%s=%s\n", name, quoteCnf(value)) }
	set("datadir", dataDir)
	set("tmpdir", tmpDir)
	set("socket", l.Socket)
	set("pid_file", l.Dir+"/mariadbd.pid")
	set("bind_address", l.Host)
	set("port", fmt.Sprint(l.Port))
	set("server_id", fmt.Sprint(l.ServerID))

	// The nodes log in by ed25519, and tell in a PROXY header on whose behalf.
	set("plugin_load_add", "auth_ed25519")
	set("proxy_protocol_networks", "localhost,127.0.0.0/8,::1")
	// A client that fails to log in through a node must not get its host blocked here.
	set("max_connect_errors", "4294967295")
	set("max_connections", "2000")
	set("back_log", "1024")
	set("table_open_cache", "4000")
	set("local_infile", "ON")
	// The node's limit is the one that counts: what it splices into a statement must not push it over another.
	set("max_allowed_packet", "1G")

	set("log_bin", "binlog")
	set("relay_log", "relay")
	// A replica that connects has its source read a whole log, up to where it stands, and gives up after slave_net_timeout.
	set("max_binlog_size", "32M")
	set("binlog_format", "ROW")
	set("gtid_strict_mode", "ON")
	// What a server writes for itself alone must not look like another's: replicas refuse a source that lacks what they have of a domain that it knows.
	set("gtid_domain_id", fmt.Sprint(OwnDomain+l.ServerID))
	set("log_slave_updates", "ON")
	// The position that it would start them from may be ahead of what it has applied: the controller knows better.
	set("skip_slave_start", "ON")
	set("expire_logs_days", "10")

	// As Debian's package sets them: a dump from there must mean the same here.
	set("character_set_server", "utf8mb4")
	set("collation_server", "utf8mb4_general_ci")

	set("innodb_log_file_size", logFileSize(throwaway))
	if throwaway {
		// Level 2 hands each commit to the kernel: it survives the server, not the machine.
		set("innodb_flush_log_at_trx_commit", "2")
		// Nor does anything else wait for the disk: what DDL, XA PREPARE and new files are otherwise synced for.
		set("loose_innodb_flush_method", "nosync")
		set("loose_debug_no_sync", "ON")
		set("innodb_buffer_pool_size", "64M")
		set("innodb_buffer_pool_dump_at_shutdown", "OFF")
		set("innodb_buffer_pool_load_at_startup", "OFF")
		set("aria_pagecache_buffer_size", "8M")
	}
	if len(options) > 0 {
		b.WriteString("\n# --mariadb-option\n")
	}
	for _, o := range options {
		if name, value, ok := strings.Cut(o, "="); ok {
			set(name, value)
		} else {
			b.WriteString(name + "\n")
		}
	}
	return b.String()
}

func logFileSize(throwaway bool) string {
	if throwaway {
		return "16M"
	}
	return "48M"
}

// quoteCnf keeps a value whole: in option files `#` starts a comment, spaces are trimmed and backslashes escape.
func quoteCnf(v string) string {
	plain := true
	for _, r := range v {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,@+-", r) {
			plain = false
			break
		}
	}
	if plain && v != "" {
		return v
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}

// initSQL makes a fresh leaf's accounts and schema: one statement a line, as --init-file wants it. It may run twice, when the first start
// was cut off. The binary log stays empty: what every leaf is born with is nothing to replicate.
func initSQL(publicKey string) string {
	return strings.ReplaceAll(`SET SESSION sql_log_bin=0;
DELETE FROM mysql.global_priv WHERE User='' OR (User='root' AND Host<>'localhost');
DELETE FROM mysql.proxies_priv WHERE User='' OR Host<>'localhost';
FLUSH PRIVILEGES;
ALTER USER root@localhost IDENTIFIED VIA mysql_native_password USING '' OR ed25519 USING '$KEY';
CREATE OR REPLACE USER orbweaver@'%' IDENTIFIED VIA ed25519 USING '$KEY';
GRANT ALL PRIVILEGES ON *.* TO orbweaver@'%' WITH GRANT OPTION;
CREATE DATABASE IF NOT EXISTS orbweaver CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
`, "$KEY", publicKey)
}
