package mariadb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Room is what a server has left. A total of 0: it could not be found out.
type Room struct {
	// Disks are the file systems that its data and its logs are on.
	Disks []Disk
	// Memory is that of the server's machine: what is free, or used by caches that give way.
	MemoryLeft, MemoryTotal int64
	// Why says what could not be found out; "" when all was.
	Why string
}

// Disk is a file system.
type Disk struct {
	Path        string // where it is mounted
	Left, Total int64
}

// query asks a server and answers with rows of text.
type query func(ctx context.Context, sql string) ([][]string, error)

// Room looks at what a server has left. It writes nothing to disk, so that it works on a full one.
func (s *Servers) Room(ctx context.Context, pools *backend.Pools, leaf string) (Room, error) {
	c, err := pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		return Room{}, err
	}
	defer c.Release()
	room, err := look(ctx, func(ctx context.Context, sql string) ([][]string, error) {
		res, err := c.Query(ctx, sql)
		if err != nil {
			return nil, err
		}
		rows := make([][]string, len(res.Rows))
		for i, row := range res.Rows {
			for _, v := range row {
				rows[i] = append(rows[i], string(v))
			}
		}
		return rows, nil
	}, func(err error) bool {
		var refused *wire.ServerError
		return errors.As(err, &refused)
	})
	if err != nil {
		return room, fmt.Errorf("leaf %s: %w", leaf, err)
	}
	return room, nil
}

// where are the places that a server writes to and that grow.
const where = "SELECT @@GLOBAL.datadir, COALESCE(@@GLOBAL.log_bin_basename, ''), COALESCE(@@GLOBAL.relay_log_basename, ''), COALESCE(@@GLOBAL.innodb_data_home_dir, '')," +
	" COALESCE(@@GLOBAL.innodb_undo_directory, ''), COALESCE(@@GLOBAL.aria_log_dir_path, '')"

// scratch is a table for files to be read into: of no engine that has files, and of no other session.
const scratch = "mysql.orbweaver_lines"

// look finds out what a server has left, by an account with the right FILE. refused tells what the server answers from what keeps it from answering.
func look(ctx context.Context, ask query, refused func(error) bool) (Room, error) {
	var room Room
	var why []string
	could := func(what string, err error) error {
		if err != nil && refused(err) {
			why = append(why, what+": "+err.Error())
			return nil
		}
		return err
	}
	if _, err := ask(ctx, unlogged); err != nil {
		return room, err
	}
	if err := could("disk", room.disks(ctx, ask, refused)); err != nil {
		return room, err
	}
	if err := could("memory", room.memory(ctx, ask)); err != nil {
		return room, err
	}
	room.Why = strings.Join(why, "; ")
	return room, nil
}

func (r *Room) disks(ctx context.Context, ask query, refused func(error) bool) error {
	const mounts = "SELECT Path, Available, Total FROM information_schema.DISKS"
	rows, err := ask(ctx, mounts)
	if err != nil && refused(err) { // MariaDB's package has the plugin, but does not load it
		if _, err = ask(ctx, "INSTALL SONAME 'disks'"); err == nil {
			rows, err = ask(ctx, mounts)
		}
	}
	if err != nil {
		return err
	}
	paths, err := ask(ctx, where)
	if err != nil {
		return err
	}
	var all []Disk
	for _, row := range rows {
		left, err1 := strconv.ParseInt(row[1], 10, 64)
		total, err2 := strconv.ParseInt(row[2], 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		all = append(all, Disk{row[0], left << 10, total << 10})
	}
	r.Disks = holding(all, paths[0])
	return nil
}

// holding are the file systems that paths lie on; a relative path lies below the first one, and so does an empty one. Pure.
func holding(mounted []Disk, paths []string) []Disk {
	var out []Disk
	for _, path := range paths {
		if !strings.HasPrefix(path, "/") {
			continue // in the data directory
		}
		best := -1
		for i, d := range mounted {
			if below(path, d.Path) && (best < 0 || len(d.Path) >= len(mounted[best].Path)) { // of two at one place the later one hides the other
				best = i
			}
		}
		if best >= 0 && mounted[best].Total > 0 && !seen(out, mounted[best].Path) {
			out = append(out, mounted[best])
		}
	}
	return out
}

func below(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(dir, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

func seen(disks []Disk, path string) bool {
	for _, d := range disks {
		if d.Path == path {
			return true
		}
	}
	return false
}

// memory reads what the kernel tells of the machine's memory below /sys, and of the container's when there is one: servers read no files of /proc. Temporary tables are the only ones that a file can be
// read into without writing anything.
func (r *Room) memory(ctx context.Context, ask query) error {
	if _, err := ask(ctx, "CREATE TEMPORARY TABLE IF NOT EXISTS "+scratch+" (line VARCHAR(200) CHARACTER SET latin1) ENGINE=MEMORY"); err != nil {
		return err
	}
	read := func(file string) ([][]string, error) {
		if _, err := ask(ctx, "DELETE FROM "+scratch); err != nil {
			return nil, err
		}
		if _, err := ask(ctx, "LOAD DATA INFILE "+lit(file)+" IGNORE INTO TABLE "+scratch+" CHARACTER SET latin1"); err != nil {
			return nil, err
		}
		return ask(ctx, "SELECT line FROM "+scratch)
	}
	const nodes = "/sys/devices/system/node/"
	online, err := read(nodes + "online")
	if err != nil {
		return err
	}
	if len(online) == 0 {
		return nil
	}
	var left, total int64
	for _, node := range numbered(online[0][0]) {
		lines, err := read(nodes + "node" + strconv.Itoa(node) + "/meminfo")
		if err != nil {
			return err
		}
		l, t := available(lines)
		left, total = left+l, total+t
	}
	for _, g := range memoryGroups {
		limit, err := read(g.limit)
		if err != nil {
			if ended := ctx.Err(); ended != nil {
				return ended
			}
			continue // there is none
		}
		used, err := read(g.used)
		if err != nil {
			return err
		}
		stat, err := read(g.stat)
		if err != nil {
			return err
		}
		left, total = limited(left, total, limit, used, stat, g.caches)
	}
	r.MemoryLeft, r.MemoryTotal = left, total
	return nil
}

// memoryGroups are where the kernel tells a container of its own limit: the second version of control groups and the first.
var memoryGroups = []struct{ limit, used, stat, caches string }{
	{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat", "active_file inactive_file"},
	{"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes", "/sys/fs/cgroup/memory/memory.stat", "total_active_file total_inactive_file"},
}

// limited is what is left within a control group's limit, when that is less than the machine has; caches, words, are what of its use gives way.
func limited(left, total int64, limit, used, stat [][]string, caches string) (int64, int64) {
	number := func(lines [][]string) (int64, bool) {
		if len(lines) != 1 {
			return 0, false
		}
		n, err := strconv.ParseInt(strings.TrimSpace(lines[0][0]), 10, 64)
		return n, err == nil
	}
	most, bounded := number(limit) // "max" is none
	now, known := number(used)
	if !bounded || !known || most >= total {
		return left, total
	}
	free := most - now
	for _, line := range stat {
		if f := strings.Fields(line[0]); len(f) == 2 && slices.Contains(strings.Fields(caches), f[0]) {
			if n, err := strconv.ParseInt(f[1], 10, 64); err == nil {
				free += n
			}
		}
	}
	return min(left, max(free, 0)), most
}

// numbered reads a kernel's list: 0-2,5.
func numbered(list string) []int {
	var out []int
	for part := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		first, last, ranged := strings.Cut(part, "-")
		from, err := strconv.Atoi(first)
		if err != nil {
			return nil
		}
		to := from
		if ranged {
			if to, err = strconv.Atoi(last); err != nil {
				return nil
			}
		}
		for n := from; n <= to && len(out) < 1024; n++ {
			out = append(out, n)
		}
	}
	return out
}

// available is what a memory node has left, as the kernel estimates its MemAvailable: what is free, the caches of files, and half of what else is said to give way.
func available(lines [][]string) (left, total int64) {
	for _, line := range lines {
		f := strings.Fields(line[0]) // Node 0 MemFree: 123 kB
		if len(f) < 4 {
			continue
		}
		n, err := strconv.ParseInt(f[3], 10, 64)
		if err != nil {
			continue
		}
		switch f[2] {
		case "MemTotal:":
			total = n << 10
		case "MemFree:", "Active(file):", "Inactive(file):":
			left += n << 10
		case "SReclaimable:":
			left += n << 9
		}
	}
	return left, total
}

// Waiting says whether a session of a server waits for room on its disk: MariaDB looks once a minute whether there is some.
func (s *Servers) Waiting(ctx context.Context, pools *backend.Pools, leaf string) (bool, error) {
	c, err := pools.Get(ctx, backend.Want{Leaf: leaf, Account: backend.Cluster, Variant: backend.Internal})
	if err != nil {
		return false, err
	}
	defer c.Release()
	all, err := sessions(ctx, c)
	if err != nil {
		return false, err
	}
	for _, one := range all {
		if one.state == waitingForRoom {
			return true, nil
		}
	}
	return false, nil
}

// waitingForRoom is the state of a session whose write found the disk full.
const waitingForRoom = "Waiting for someone to free space"

// Stuck lists the threads at a server with a full disk that have been busy for some time with what does not end before there is room: one that waits for it, and
// those that write or commit behind that one. Queries are none of them.
func (s *Servers) Stuck(ctx context.Context, leaf string, longer time.Duration) ([]uint64, error) {
	c, err := s.conn(ctx, leaf)
	if err != nil {
		return nil, err
	}
	defer c.Release()
	all, err := sessions(ctx, c)
	if err != nil {
		return nil, err
	}
	var out []uint64
	for _, o := range all {
		if o.own() || o.command == "Sleep" || o.seconds < longer.Seconds() || o.state != waitingForRoom && o.state != "Commit" && !writes(o.text) {
			continue
		}
		if id, err := strconv.ParseUint(o.id, 10, 64); err == nil {
			out = append(out, id)
		}
	}
	return out, nil
}

// writes says whether a statement's first word is that of one that ends in the binary log.
func writes(text string) bool {
	word := strings.TrimLeft(text, " \t\r\n")
	if i := strings.IndexFunc(word, func(r rune) bool { return (r|0x20) < 'a' || (r|0x20) > 'z' }); i >= 0 {
		word = word[:i]
	}
	switch strings.ToUpper(word) {
	case "INSERT", "REPLACE", "UPDATE", "DELETE", "LOAD", "COMMIT", "CREATE", "ALTER", "DROP", "TRUNCATE", "RENAME", "XA", "GRANT", "REVOKE":
		return true
	}
	return false
}

// session is one of a server's, as SHOW PROCESSLIST tells it.
type session struct {
	id, user, db, command, state, text string
	seconds                            float64
}

// sessions lists them. information_schema.PROCESSLIST would need room on disk for its long columns.
func sessions(ctx context.Context, c *backend.Conn) ([]session, error) {
	res, err := c.Query(ctx, "SHOW PROCESSLIST")
	if err != nil {
		return nil, fmt.Errorf("leaf %s: %w", c.Leaf(), err)
	}
	out := make([]session, 0, len(res.Rows))
	for _, row := range res.Rows {
		if len(row) >= 8 {
			seconds, _ := strconv.ParseFloat(string(row[5]), 64) // there is none while it logs in
			out = append(out, session{
				id: string(row[0]), user: string(row[1]), db: string(row[3]), command: string(row[4]), seconds: seconds, state: string(row[6]), text: string(row[7]),
			})
		}
	}
	return out, nil
}

// own says whether a session is replication's or the server's own.
func (s session) own() bool {
	switch s.command {
	case "Binlog Dump", "Slave_SQL", "Slave_IO", "Slave_worker", "Daemon":
		return true
	}
	return s.user == "system user"
}

// Short is what a server is short of after a look, when now is what it was short of before.
func (r *Room) Short(settings topo.Settings, disk, memory topo.Shortage) (newDisk, newMemory topo.Shortage) {
	newDisk, newMemory = disk, memory // what could not be found out stays as it was
	if settings.DiskReserve == (topo.Reserve{}) {
		newDisk = topo.Shortage{}
	}
	if settings.MemoryReserve == (topo.Reserve{}) {
		newMemory = topo.Shortage{}
	}
	if d, ok := r.Tightest(settings.DiskReserve); ok {
		newDisk = disk.Judge(settings.DiskReserve, d.Left, d.Total)
	}
	if r.MemoryTotal > 0 {
		newMemory = memory.Judge(settings.MemoryReserve, r.MemoryLeft, r.MemoryTotal)
	}
	return newDisk, newMemory
}

// Close says whether there is less than twice what is to stay free: that may be gone in a moment.
func (r *Room) Close(settings topo.Settings) bool {
	d, ok := r.Tightest(settings.DiskReserve)
	return ok && d.Left < 2*settings.DiskReserve.Of(d.Total) || r.MemoryTotal > 0 && r.MemoryLeft < 2*settings.MemoryReserve.Of(r.MemoryTotal)
}

// Tightest is the file system that has the least left over its reserve.
func (r *Room) Tightest(reserve topo.Reserve) (tightest Disk, ok bool) {
	for _, d := range r.Disks {
		if !ok || d.Left-reserve.Of(d.Total) < tightest.Left-reserve.Of(tightest.Total) {
			tightest, ok = d, true
		}
	}
	return tightest, ok
}

// Size is how much a database's files take at a server. What TABLES tells is as old as its statistics.
func (s *Servers) Size(ctx context.Context, leaf, schema string) (int64, error) {
	res, err := s.at(ctx, leaf, "SELECT COALESCE(SUM(FILE_SIZE), 0) FROM information_schema.INNODB_SYS_TABLESPACES"+
		" WHERE SUBSTRING_INDEX(NAME, '/', 1) = CAST(CONVERT(_utf8mb4"+lit(schema)+" USING filename) AS BINARY)")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(string(res.Rows[0][0]), 10, 64)
}

// NoRoom says whether a server refused something for want of room on disk or in memory.
func NoRoom(err error) bool {
	var refused *wire.ServerError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case 5, 20, // of the operating system: out of memory, disk full
		1021, 1037, 1041, 1114: // disk full, out of memory, out of resources, table full
		return true
	}
	return false
}
