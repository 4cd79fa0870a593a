#!/usr/bin/env bash
# The tour of high availability: leaves fail and come back, are added and removed, and copies are made and given up. Each statement is printed with its
# result and checked; the first difference ends the tour with status 1.
#
#   examples/ha-tour.sh              after `make`, or: ORBWEAVER=path/to/orbweaver examples/ha-tour.sh
#
# It starts clusters of its own in a new directory and removes them at the end. It needs the MariaDB server and client.
set -euo pipefail
. "$(dirname "$0")/tour.sh"

# --- checks ---

counted() { # MIN, MAX and COUNT of test.x
	sql 'SELECT MIN(id), MAX(id), COUNT(*) FROM test.x'
	values "1 $1 $1"
}
state_becomes() { wait_for "SELECT STATE FROM information_schema.LEAVES WHERE PORT = $1" "$2"; }

# show_leaves wants for each leaf: port group pair state, in the order of ports given.
show_leaves() {
	sql 'SHOW LEAVES'
	columns Host Port Availability_Group Pair_Host Pair_Port State Opened_Connections Average_Roundtrip_Latency_ms
	same 'SHOW LEAVES (port, group, pair, state)' "$(printf '%s\n' "$@" | sort -n)" "$(field 2,3,5,6 | sort -n)"
	same 'the latency of leaves that do not answer' '' "$(awk '$6 == "offline" && $8 != "NULL"' <<<"$rows")"
}

# show_partitions wants for each: ordinal port role.
show_partitions() {
	sql "SHOW PARTITIONS ON $1"
	columns Ordinal Host Port Role Locked
	shift
	same 'SHOW PARTITIONS (ordinal, port, role)' "$(printf '%s\n' "$@")" "$(field 1,3,4)"
}

# status wants actions: words, ordinal, port, phase; all of them successes.
status() {
	sql 'SHOW REBALANCE STATUS ON test'
	same 'the list of columns' 'Action Ordinal Target_Host Target_Port Phase Status Running_Time' "$(cut -d ' ' -f 1-7 <<<"$heading")"
	same 'the states of the actions' success "$(field 7 | sort -u)"
}
actions() { field "1,2,3,5,6"; }

# spread wants every leaf to have the same number of masters and of slaves, within one.
spread() { # database, leaves, partitions, copies of each
	local ports
	sql "SHOW PARTITIONS ON $1"
	same 'the number of instances' $(($3 * $4)) "$(grep -c . <<<"$rows")"
	for o in $(seq 0 $(($3 - 1))); do
		ports=$(awk -v o="$o" '$1 == o {print $4}' <<<"$rows" | sort | tr '\n' ' ')
		[ "$4" = 2 ] && same "the roles of $1:$o" 'Master Slave ' "$ports" || same "the roles of $1:$o" 'Master ' "$ports"
	done
	# Partitions go by pairs, those of a pair by halves.
	local units=$(($2 / $4)) least most
	read -r least most < <(awk '$4 == "Master" {n[$3]++} END {for (p in n) print n[p]}' <<<"$rows" | sort -n | sed -n '1p;$p' | tr '\n' ' ') || true
	same "the number of leaves with masters" "$2" "$(awk '$4 == "Master" {print $3}' <<<"$rows" | sort -u | grep -c .)"
	[ "$least" -ge $(($3 / units / $4)) ] && [ "$most" -le $((($3 / units + $4) / $4)) ] || fail "a leaf has $least masters of $1, another $most"
}

# --- servers ---

# cluster starts one of so many leaves and copies: $leaf[n] is the port of leaf-n.
leaf=()
cluster() {
	local n
	stop
	cluster_at "$dir/cluster-$1-$2" --leaves "$1" --redundancy "$2"
	leaf=()
	for n in $(seq "$1"); do leaf[n]=$(ask "SELECT PORT FROM information_schema.LEAVES WHERE NAME = 'leaf-$n'"); done
}

# crash ends a leaf's server and keeps it from starting again; recover lets it.
crash() {
	printf '\n$ kill -9 leaf-%s\n' "$1"
	touch "$data/leaves/leaf-$1/hold"
	kill -9 "$(cat "$data/leaves/leaf-$1/mariadbd.pid")"
	state_becomes "${leaf[$1]}" offline
}
recover() {
	printf '\n$ restart leaf-%s\n' "$1"
	rm "$data/leaves/leaf-$1/hold"
	state_becomes "${leaf[$1]}" "$2"
}

# spare starts a MariaDB server that belongs to no cluster yet; $spare is its port. Its root account has the password s3cret.
spare=0 made=0
spare() {
	local i as=() home
	[ "$(id -u)" = 0 ] && as=(--user=root)
	template
	echo "SET sql_log_bin=0; CREATE USER root@'%' IDENTIFIED BY 's3cret'; GRANT ALL PRIVILEGES ON *.* TO root@'%' WITH GRANT OPTION;" \
		"DELETE FROM mysql.global_priv WHERE User='root' AND Host<>'%'; FLUSH PRIVILEGES;" | tr ';' '\n' | sed 's/$/;/; /^ *;$/d' >"$dir/init.sql"
	made=$((made + 1)) spare=$(free_port) home=$dir/spare-$made
	cp -r "$dir/template" "$home"
	"$server" --no-defaults --datadir="$home" --socket="$home/s" --pid-file="$home/pid" --bind-address=127.0.0.1 --port="$spare" "${as[@]}" \
		--init-file="$dir/init.sql" --server-id=$((1000 + made)) --log-bin=binlog --log-slave-updates --binlog-format=ROW --gtid-strict-mode=ON \
		--plugin-load-add=auth_ed25519 --max-connections=2000 --innodb-flush-log-at-trx-commit=2 --innodb-buffer-pool-size=64M \
		>"$home.log" 2>&1 &
	spares="$spares $!"
	for ((i = 0; i < 150; i++)); do
		mariadb --no-defaults -h127.0.0.1 -P"$spare" -uroot -ps3cret -e 'DO 1' 2>/dev/null && return
		sleep 0.2
	done
	fail "a spare server does not start: $(cat "$home.log")"
}

# --- the walks ---

redundancy_1() {
	title 'Redundancy 1: a leaf dies and comes back'
	cluster 4 1
	local all=() all_down=() all_detached=() parts=() parts_down=() i
	for i in 1 2 3 4; do all+=("${leaf[i]} 1 NULL online"); done
	all_down=("${all[@]:0:3}" "${leaf[4]} 1 NULL offline")
	all_detached=("${all[@]:0:3}" "${leaf[4]} 1 NULL detached")
	for i in 0 1 2 3 4 5 6 7; do
		parts+=("$i ${leaf[i % 4 + 1]} Master")
		if [ $((i % 4)) = 3 ]; then parts_down+=("$i NULL NULL"); else parts_down+=("$i ${leaf[i % 4 + 1]} Master"); fi
	done
	sql 'CREATE DATABASE test PARTITIONS 8'
	sql 'CREATE TABLE test.x (id BIGINT PRIMARY KEY, SHARD KEY (id))'
	sql "INSERT INTO test.x VALUES $(numbers 1 100)"
	show_leaves "${all[@]}"
	show_partitions test "${parts[@]}"
	sql "SELECT * FROM INFORMATION_SCHEMA.DISTRIBUTED_PARTITIONS WHERE DATABASE_NAME='test' AND Port=${leaf[4]}"
	columns DATABASE_NAME ORDINAL HOST PORT ROLE
	values "test 3 127.0.0.1 ${leaf[4]} Master"$'\n'"test 7 127.0.0.1 ${leaf[4]} Master"
	counted 100

	crash 4
	show_leaves "${all_down[@]}"
	show_partitions test "${parts_down[@]}"
	sql_fails 'SELECT MIN(id), MAX(id), COUNT(*) FROM test.x' 1777 'Partition test:3 has no master instance.'
	recover 4 online
	show_leaves "${all[@]}"
	show_partitions test "${parts[@]}"
	counted 100

	title 'Redundancy 1, with auto_attach off'
	sql 'SET GLOBAL auto_attach = Off'
	crash 4
	recover 4 detached
	show_leaves "${all_detached[@]}"
	show_partitions test "${parts_down[@]}"
	sql "ATTACH LEAF '127.0.0.1': ${leaf[4]}"
	show_leaves "${all[@]}"
	status
	same 'the actions' "ATTACH PARTITION 3 ${leaf[4]} 1"$'\n'"ATTACH PARTITION 7 ${leaf[4]} 1" "$(actions)"
	counted 100
}

redundancy_2() {
	title 'Redundancy 2: a leaf dies and comes back'
	cluster 8 2
	local all=() down=() detached=() i pair before dead mate conflict lines
	for i in $(seq 8); do
		pair=$((i % 2 ? i + 1 : i - 1))
		all+=("${leaf[i]} $((i % 2 ? 1 : 2)) ${leaf[pair]} online")
	done
	sql 'CREATE DATABASE test PARTITIONS 16'
	sql 'CREATE TABLE test.x (id BIGINT PRIMARY KEY, SHARD KEY (id))'
	sql "INSERT INTO test.x VALUES $(numbers 1 100)"
	show_leaves "${all[@]}"
	spread test 8 16 2
	counted 100
	dead=4 mate=3 # test:3 is theirs
	before="test 3 127.0.0.1 ${leaf[dead]} Master"$'\n'"test 3 127.0.0.1 ${leaf[mate]} Slave"
	sql "SELECT * FROM INFORMATION_SCHEMA.DISTRIBUTED_PARTITIONS WHERE DATABASE_NAME='test' AND ORDINAL=3"
	columns DATABASE_NAME ORDINAL HOST PORT ROLE
	values "$before"
	down=("${all[@]}") detached=("${all[@]}")
	down[dead - 1]="${leaf[dead]} 2 ${leaf[mate]} offline"
	detached[dead - 1]="${leaf[dead]} 2 ${leaf[mate]} detached"

	crash "$dead"
	show_leaves "${down[@]}"
	sql "SELECT * FROM INFORMATION_SCHEMA.DISTRIBUTED_PARTITIONS WHERE DATABASE_NAME='test' AND ORDINAL=3"
	values "test 3 127.0.0.1 ${leaf[mate]} Master"
	counted 100
	sql "INSERT INTO test.x VALUES $(numbers 101 200)"
	counted 200
	recover "$dead" online
	show_leaves "${all[@]}"
	# Its share of masters comes a moment after it is online.
	wait_for "SELECT COUNT(*) FROM information_schema.DISTRIBUTED_PARTITIONS WHERE DATABASE_NAME='test' AND PORT=${leaf[dead]} AND ROLE='Master'" 2
	wait_for "SELECT COUNT(*) FROM information_schema.DISTRIBUTED_PARTITIONS WHERE DATABASE_NAME='test' AND PORT=${leaf[dead]}" 4
	wait_for "SELECT COUNT(*) FROM information_schema.MV_REBALANCE_STATUS WHERE DATABASE_NAME='test' AND STATUS IN ('running', 'scheduled')" 0
	spread test 8 16 2
	counted 200

	title 'Redundancy 2, with auto_attach off'
	sql 'SET GLOBAL auto_attach = Off'
	conflict=$(ask "SELECT MIN(ORDINAL) FROM information_schema.DISTRIBUTED_PARTITIONS WHERE DATABASE_NAME='test' AND PORT=${leaf[dead]} AND ROLE='Master'")
	crash "$dead"
	sql "DELETE FROM test.x WHERE id > 100"
	sql "INSERT INTO test.x VALUES $(numbers 101 200)"
	recover "$dead" detached
	sql "SHOW DATABASES EXTENDED FOR LEAF '127.0.0.1':${leaf[dead]}"
	columns Database Commits Role State Position Details AsyncSlaves SyncSlaves
	same "test_$conflict on the leaf" "test_$conflict master online" "$(awk -v d="test_$conflict" '$1 == d {print $1, $3, $4}' <<<"$rows")"
	show_leaves "${detached[@]}"
	sql_fails "ATTACH LEAF '127.0.0.1':${leaf[dead]}" 1811 "Unable to attach leaf '127.0.0.1':${leaf[dead]}. Database \`test_$conflict\` (which is in the 'Online' state) conflicts with an existing master instance of \`test\`:$conflict on '127.0.0.1':${leaf[mate]}. Use ATTACH LEAF ... FORCE to override this conflict."
	sql "ATTACH LEAF '127.0.0.1':${leaf[dead]} FORCE"
	show_leaves "${all[@]}"
	status
	lines=$(actions)
	# A copy that is where the new master began goes on; another is made anew.
	same 'the partitions that the leaf takes in' '2 3 10 11' "$(awk -v p="${leaf[dead]}" '$4 == p && (($1 == "ATTACH" && $5 == 1) || ($1 == "COPY" && $5 == 3)) {print $3}' <<<"$lines" | sort -n | xargs)"
	same 'the number of promotions' 2 "$(grep -c "^PROMOTE PARTITION [0-9]* ${leaf[dead]} 7$" <<<"$lines")"
	same 'the number of masters that become slaves' 2 "$(grep -c "^COPY PARTITION [0-9]* ${leaf[mate]} 8$" <<<"$lines")"
	same 'the number of actions' 8 "$(grep -c . <<<"$lines")"
	spread test 8 16 2
	counted 200
}

rebalance() { # goes on in the cluster of redundancy_2
	title 'Two leaves more'
	local a b moves
	sql 'EXPLAIN REBALANCE PARTITIONS ON test'
	values ''
	spare && a=$spare
	spare && b=$spare
	sql "ADD LEAF root:'s3cret'@'127.0.0.1':$a INTO GROUP 1"
	sql "ADD LEAF root:'s3cret'@'127.0.0.1':$b INTO GROUP 2"
	sql "SHOW LEAVES WHERE Port IN ($a, $b)"
	same 'the new leaves' "$(printf '%s\n' "$a 1 $b online" "$b 2 $a online" | sort)" "$(field 2,3,5,6 | sort)"
	sql 'EXPLAIN REBALANCE PARTITIONS ON test'
	columns Action Ordinal Target_Host Target_Port Phase
	moves=$(actions)
	[ -n "$moves" ] || fail 'the new leaves are to have no partitions'
	sql 'REBALANCE PARTITIONS ON test'
	status
	same 'what was done, and EXPLAIN' "$moves" "$(actions)"
	spread test 10 16 2
	sql 'EXPLAIN REBALANCE PARTITIONS ON test'
	values ''
	counted 200

	title 'and away with them'
	sql "REMOVE LEAF '127.0.0.1':$a"
	sql "REMOVE LEAF '127.0.0.1':$b"
	same 'the number of leaves' 8 "$(ask 'SELECT COUNT(*) FROM information_schema.LEAVES')"
	sql 'REBALANCE PARTITIONS ON test'
	spread test 8 16 2
	counted 200
}

levels() {
	title 'From redundancy 1 to 2'
	cluster 2 1
	local a b i parts=() alone=("${leaf[1]} 1 NULL online" "${leaf[2]} 1 NULL online")
	sql 'CREATE DATABASE test PARTITIONS 16'
	sql 'CREATE TABLE test.x (id BIGINT PRIMARY KEY, SHARD KEY (id))'
	sql "INSERT INTO test.x VALUES $(numbers 1 100)"
	sql 'SET @@GLOBAL.redundancy_level = 2'
	show_leaves "${alone[@]}"
	spare && a=$spare
	spare && b=$spare
	sql "ADD LEAF root:'s3cret'@'127.0.0.1':$a INTO GROUP 2"
	sql "ADD LEAF root:'s3cret'@'127.0.0.1':$b INTO GROUP 2"
	show_leaves "${leaf[1]} 1 $a online" "${leaf[2]} 1 $b online" "$a 2 ${leaf[1]} online" "$b 2 ${leaf[2]} online"
	for ((i = 0; i < 16; i++)); do parts+=("$i ${leaf[i % 2 + 1]} Master"); done
	show_partitions test "${parts[@]}"
	sql 'REBALANCE PARTITIONS ON test'
	status
	spread test 4 16 2
	counted 100

	title 'and back to redundancy 1'
	sql "REMOVE LEAF '127.0.0.1':$a"
	sql "REMOVE LEAF '127.0.0.1':$b"
	show_leaves "${alone[@]}"
	sql 'SET @@GLOBAL.redundancy_level = 1'
	sql 'SELECT @@redundancy_level'
	values 1
	sql 'REBALANCE PARTITIONS ON test'
	sql 'CLEAR ORPHAN DATABASES'
	sql "SHOW CLUSTER STATUS"
	same 'the orphans' '' "$(grep -i orphan <<<"$rows" || true)"
	spread test 2 16 1
	counted 100
}

: redundancy_1
redundancy_2
rebalance
levels
title 'All is as it should be.'
