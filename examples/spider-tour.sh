#!/usr/bin/env bash
# The tour of linked tables: the setups that MariaDB's documentation of its storage engine Spider shows, with a cluster in the place of the Spider node and two
# plain MariaDB servers as backends. Each statement is printed with its result and checked; the first difference ends the tour with status 1.
#
#   examples/spider-tour.sh          after `make`, or: ORBWEAVER=path/to/orbweaver examples/spider-tour.sh
#
# It starts a cluster and servers of its own in a new directory and removes them at the end. It needs the MariaDB server and client.
set -euo pipefail
. "$(dirname "$0")/tour.sh"

rows_in_all=20000 # the documentation has ten million

# --- backends ---

# backend_at starts the n-th plain server, with the accounts that the documentation's statements name.
at=()
backend_at() {
	local i as=() home=$dir/backend$1
	[ "$(id -u)" = 0 ] && as=(--user=root)
	template
	printf '%s\n' "CREATE USER skysql@'%' IDENTIFIED BY 'skyvodka';" "GRANT ALL PRIVILEGES ON *.* TO skysql@'%';" \
		"CREATE USER msandbox@'%' IDENTIFIED BY 'msandbox';" "GRANT ALL PRIVILEGES ON *.* TO msandbox@'%';" "CREATE DATABASE test;" >"$dir/accounts.sql"
	at[$1]=$(free_port)
	cp -r "$dir/template" "$home"
	"$server" --no-defaults --datadir="$home" --socket="$home/s" --pid-file="$home/pid" --bind-address=127.0.0.1 --port="${at[$1]}" "${as[@]}" \
		--init-file="$dir/accounts.sql" --innodb-flush-log-at-trx-commit=2 --innodb-buffer-pool-size=64M >"$home.log" 2>&1 &
	spares="$spares $!"
	for ((i = 0; i < 150; i++)); do
		backend "$1" -e 'DO 1' 2>/dev/null && return
		sleep 0.2
	done
	fail "backend $1 does not start: $(cat "$home.log")"
}
backend() { # a client of the n-th backend
	local n=$1
	shift
	mariadb --no-defaults -h127.0.0.1 -P"${at[n]}" -uskysql -pskyvodka "$@"
}

# on_backend and on_spider run the statements of their input, and print them.
on_backend() {
	local text
	text=$(cat)
	printf '\nbackend%s> %s\n' "$1" "$text"
	backend "$1" -t <<<"$text" || fail "backend $1: $text"
}
on_spider() {
	local text
	text=$(cat)
	printf '\norbweaver> %s\n' "$text"
	mysql -t <<<"$text" || fail "$text"
}
count_on() { # rows of a table on a backend
	printf '\nbackend%s> select count(*) from %s;\n' "$1" "$2" >&2
	backend "$1" -t -e "select count(*) from $2" >&2
	backend "$1" -BN -e "select count(*) from $2"
}

# --- the setups ---

basic_usage() {
	title 'Basic usage'
	on_backend 1 <<'EOF'
USE test;
CREATE TABLE s(
  id INT NOT NULL AUTO_INCREMENT,
  code VARCHAR(10),
  PRIMARY KEY(id));
EOF
	on_spider <<EOF
CREATE DATABASE test;
USE test;
CREATE TABLE s(
  id INT NOT NULL AUTO_INCREMENT,
  code VARCHAR(10),
  PRIMARY KEY(id)
)
ENGINE=SPIDER 
COMMENT 'host "127.0.0.1", user "msandbox", password "msandbox", port "${at[1]}"';
INSERT INTO s(code) VALUES ('a');
EOF
	same 'the row on the backend' $'1\ta' "$(backend 1 -BN -e 'SELECT * FROM test.s')"
	on_backend 1 <<<'SELECT * FROM test.s;'
	sql 'SELECT * FROM test.s'
	values '1 a'
	sql 'SHOW CREATE TABLE test.s'
	ask 'SHOW CREATE TABLE test.s' | grep -qF 'password "***"' || fail 'SHOW CREATE TABLE shows no masked password'
}

tables() {
	title "A table of $rows_in_all rows on backend1, and empty ones on both"
	local sbtest="
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  k int(10) unsigned NOT NULL DEFAULT '0',
  c char(120) NOT NULL DEFAULT '',
  pad char(60) NOT NULL DEFAULT '',
  PRIMARY KEY (id),
  KEY k (k)
) ENGINE=InnoDB;"
	on_backend 1 <<EOF
CREATE TABLE test.sbtest ($sbtest
INSERT INTO test.sbtest (k, c, pad) SELECT seq % 997, SHA2(seq, 224), MD5(seq) FROM test.seq_1_to_$rows_in_all;
EOF
	local n
	for n in 1 2; do
		on_backend "$n" <<EOF
CREATE DATABASE backend;
CREATE TABLE backend.sbtest ($sbtest
EOF
		for i in 1 2 3 4; do
			on_backend "$n" <<EOF
CREATE DATABASE bsbackend$((4 * n - 4 + i));
CREATE TABLE bsbackend$((4 * n - 4 + i)).sbtest ($sbtest
EOF
		done
	done
}

federation() {
	title 'Federation'
	on_spider <<EOF
CREATE SERVER backend 
  FOREIGN DATA WRAPPER mysql 
OPTIONS( 
  HOST '127.0.0.1', 
  DATABASE 'test',
  USER 'skysql',
  PASSWORD 'skyvodka',
  PORT ${at[1]}
);

CREATE  TABLE test.sbtest
(
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  k int(10) unsigned NOT NULL DEFAULT '0',
  c char(120) NOT NULL DEFAULT '',
  pad char(60) NOT NULL DEFAULT '',
  PRIMARY KEY (id),
  KEY k (k)
) ENGINE=spider COMMENT='wrapper "mysql",srv "backend"';
SELECT * FROM test.sbtest LIMIT 10;
EOF
	sql 'SELECT COUNT(*), SUM(k), MIN(pad) FROM test.sbtest'
	values "$(backend 1 -BN -e 'SELECT COUNT(*), SUM(k), MIN(pad) FROM test.sbtest' | tr '\t' ' ')"
}

sharding() {
	title 'Sharding'
	on_spider <<EOF
CREATE SERVER backend1 
  FOREIGN DATA WRAPPER mysql 
OPTIONS( 
  HOST '127.0.0.1', 
  DATABASE 'backend',
  USER 'skysql',
  PASSWORD 'skyvodka',
  PORT ${at[1]}
);
CREATE SERVER backend2 
  FOREIGN DATA WRAPPER mysql 
OPTIONS( 
  HOST '127.0.0.1', 
  DATABASE 'backend',
  USER 'skysql',
  PASSWORD 'skyvodka',
  PORT ${at[2]}
);
CREATE DATABASE IF NOT EXISTS backend;
CREATE  TABLE backend.sbtest
(
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  k int(10) unsigned NOT NULL DEFAULT '0',
  c char(120) NOT NULL DEFAULT '',
  pad char(60) NOT NULL DEFAULT '',
  PRIMARY KEY (id),
  KEY k (k)
) ENGINE=spider COMMENT='wrapper "mysql", table "sbtest"'
 PARTITION BY KEY (id) 
(
 PARTITION pt1 COMMENT = 'srv "backend1"',
 PARTITION pt2 COMMENT = 'srv "backend2"' 
) ;
EOF
	printf '\n$ mariadb-dump --user=skysql --password=skyvodka --host=127.0.0.1 --port=%s --no-create-info test sbtest | mariadb … backend\n' "${at[1]}"
	mariadb-dump --no-defaults --user=skysql --password=skyvodka --host=127.0.0.1 --port="${at[1]}" --no-create-info test sbtest | mysql backend ||
		fail 'the dump is not loaded'
	local one two
	two=$(count_on 2 backend.sbtest)
	one=$(count_on 1 backend.sbtest)
	same 'the number of rows on both' $rows_in_all $((one + two))
	# MariaDB's own partitions of the same rows are what it must be.
	backend 1 -e "CREATE TABLE test.own (id int(10) unsigned NOT NULL PRIMARY KEY) PARTITION BY KEY (id) (PARTITION pt1, PARTITION pt2); INSERT INTO test.own SELECT id FROM test.sbtest"
	same 'the rows of MariaDB'\''s first partition' "$one" "$(backend 1 -BN -e 'SELECT COUNT(*) FROM test.own PARTITION (pt1)')"
	sql 'SELECT COUNT(*), SUM(k), MIN(pad) FROM backend.sbtest'
	values "$(backend 1 -BN -e 'SELECT COUNT(*), SUM(k), MIN(pad) FROM test.sbtest' | tr '\t' ' ')"
	sql 'SELECT id, k FROM backend.sbtest WHERE id = 4711'
	values "4711 $((4711 % 997))"
	sql 'EXPLAIN SELECT id, k FROM backend.sbtest WHERE id = 4711'
	same 'the number of backends that one id is asked of' 1 "$(grep -c . <<<"$rows")"
}

background() {
	title 'Eight partitions, read at once'
	local n
	for n in 1 2 3 4 5 6 7 8; do
		echo "CREATE SERVER bsbackend$n FOREIGN DATA WRAPPER mysql OPTIONS( HOST '127.0.0.1', DATABASE 'bsbackend$n',USER 'skysql', PASSWORD 'skyvodka',PORT ${at[(n + 3) / 4]});"
	done | on_spider
	on_spider <<'EOF'
CREATE DATABASE IF NOT EXISTS bsbackend;
CREATE  TABLE bsbackend.sbtest
(
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  k int(10) unsigned NOT NULL DEFAULT '0',
  c char(120) NOT NULL DEFAULT '',
  pad char(60) NOT NULL DEFAULT '',
  PRIMARY KEY (id),
  KEY k (k)
) ENGINE=spider COMMENT='wrapper "mysql", table "sbtest"'
 PARTITION BY KEY (id) 
(
 PARTITION pt1 COMMENT = 'srv "bsbackend1"',
 PARTITION pt2 COMMENT = 'srv "bsbackend2"', 
 PARTITION pt3 COMMENT = 'srv "bsbackend3"',
 PARTITION pt4 COMMENT = 'srv "bsbackend4"', 
 PARTITION pt5 COMMENT = 'srv "bsbackend5"',
 PARTITION pt6 COMMENT = 'srv "bsbackend6"',
 PARTITION pt7 COMMENT = 'srv "bsbackend7"',
 PARTITION pt8 COMMENT = 'srv "bsbackend8"'
) ;
INSERT INTO  bsbackend.sbtest SELECT * FROM backend.sbtest;
EOF
	local total=0 rows
	for n in 1 2 3 4 5 6 7 8; do
		rows=$(count_on $(((n + 3) / 4)) "bsbackend$n.sbtest")
		[ "$rows" -gt 0 ] || fail "bsbackend$n has no rows"
		total=$((total + rows))
	done
	same 'the number of rows on all' $rows_in_all "$total"
	local sum
	sum=$(backend 1 -BN -e 'SELECT SUM(k) FROM test.sbtest')
	sql 'USE bsbackend; select count(*) from sbtest'
	values $rows_in_all
	sql 'USE bsbackend; set spider_casual_read=1; set spider_bgs_mode=2; select count(*) from sbtest'
	values $rows_in_all
	sql 'USE bsbackend; set spider_casual_read=1; set spider_bgs_mode=2; select sum(k) from sbtest'
	values "$sum"
	sql 'USE bsbackend; set spider_casual_read=0; select sum(k) from sbtest'
	values "$sum"
}

changed_server() {
	title 'A server that is altered is used at once'
	sql 'SELECT COUNT(*) FROM test.sbtest'
	values $rows_in_all
	sql "ALTER SERVER backend OPTIONS (DATABASE 'backend')"
	sql 'SELECT COUNT(*) FROM test.sbtest'
	values "$(backend 1 -BN -e 'SELECT COUNT(*) FROM backend.sbtest')"
}

backend_at 1
backend_at 2
cluster_at "$dir/cluster" --leaves 2
basic_usage
tables
federation
sharding
background
changed_server
title 'All is as it should be.'
