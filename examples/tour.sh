# What the tours have in common; they read it with ".". A tour starts servers of its own in a new directory, and removes them at the end. Each statement is
# printed with its result and checked; the first difference ends the tour with status 1.
tour=$(basename "$0" .sh)
orbweaver=${ORBWEAVER:-$(cd "$(dirname "$0")/.." && pwd)/bin/orbweaver}
server=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v mariadbd) || { echo "$tour: mariadbd is not installed" >&2; exit 1; }
dir=$(mktemp -d "${TMPDIR:-/tmp}/$tour.XXXXXX")
chmod 755 "$dir"
up='' spares=''

stop() { # ends the cluster and the spare servers
	local pid
	for pid in $up $spares; do kill "$pid" 2>/dev/null || true; done
	for pid in $up $spares; do wait "$pid" 2>/dev/null || true; done
	up='' spares=''
}
trap 'stop; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

fail() {
	printf '%s: %s\n' "$tour" "$*" >&2
	[ -s "$dir/log" ] && sed 's/^/  orbweaver: /' "$dir/log" >&2
	exit 1
}
title() { printf '\n== %s\n' "$*"; }

# --- statements ---

port=0 heading='' rows=''
mysql() { mariadb --no-defaults -h127.0.0.1 -P"$port" -uroot "$@"; }

# sql runs a statement and prints it with its result. $heading has the names of the columns, $rows the lines, both with single spaces between values.
sql() {
	local table
	printf '\norbweaver> %s;\n' "$1"
	table=$(mysql -t -e "$1" 2>&1) || fail "$1: $table"
	printf '%s\n' "${table:-Query OK}"
	table=$(grep '^|' <<<"$table" | sed 's/^| *//; s/ *| */ /g; s/ $//' || true)
	heading=$(head -n 1 <<<"$table")
	rows=$(tail -n +2 <<<"$table")
}

# sql_fails wants an error with this number and text.
sql_fails() {
	local said
	printf '\norbweaver> %s;\n' "$1"
	if said=$(mysql -t -e "$1" 2>&1); then fail "$1: it succeeds, where error $2 is wanted: $said"; fi
	said=$(grep '^ERROR' <<<"$said" | sed 's/ at line [0-9]*:/:/')
	printf '%s\n' "$said"
	same "the error of $1" "ERROR $2 (HY000): $3" "$said"
}

ask() { mysql -BN -e "$1"; } # only the value

# --- checks ---

same() { [ "$2" = "$3" ] || fail "$(printf '%s is\n%s\nnot\n%s' "$1" "$3" "$2")"; }
columns() { same 'the list of columns' "$*" "$heading"; }
values() { same 'the result' "$1" "$rows"; }
field() { awk -v f="$1" '{n = split(f, c, ","); s = $c[1]; for (i = 2; i <= n; i++) s = s " " $c[i]; print s}' <<<"$rows"; }
numbers() { seq -s ', ' "$1" "$2" | sed 's/[0-9][0-9]*/(&)/g'; }
wait_for() { # until a question has an answer
	local answer='' until=$((SECONDS + 30))
	while [ $SECONDS -lt $until ]; do
		answer=$(ask "$1" 2>&1) && [ "$answer" = "$2" ] && return
		sleep 0.2
	done
	fail "after 30 seconds the answer to $1 is '$answer', not '$2'"
}

# --- servers ---

free_port() {
	local p
	while :; do
		p=$((20000 + RANDOM % 12000))
		(exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo "$p"; return; }
	done
}

# cluster_at starts a cluster in a directory, with options for `orbweaver up`, and waits until it is ready.
cluster_at() {
	local i
	port=$(free_port)
	data=$1
	shift
	: >"$dir/log" >"$dir/ready"
	"$orbweaver" up --data-dir "$data" --listen "127.0.0.1:$port" --http 127.0.0.1:0 "$@" >"$dir/ready" 2>"$dir/log" &
	up=$!
	for ((i = 0; i < 300; i++)); do
		grep -q '^ready' "$dir/ready" && return
		kill -0 "$up" 2>/dev/null || fail 'orbweaver up ends early'
		sleep 0.2
	done
	fail 'orbweaver up is not ready after a minute'
}

# template makes an empty data directory of MariaDB, which servers start with copies of.
template() {
	local as=()
	[ -d "$dir/template" ] && return
	[ "$(id -u)" = 0 ] && as=(--user=root)
	mariadb-install-db --no-defaults --datadir="$dir/template" --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve \
		"${as[@]}" >"$dir/install.log" 2>&1 || fail "mariadb-install-db: $(cat "$dir/install.log")"
}
