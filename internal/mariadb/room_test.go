package mariadb

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// What is asked of a server is what the system says.
func TestRoom(t *testing.T) {
	farm := farmtest.Shared(t, 1)
	s, pools := servers(t, farm)
	leaf := farm.Leaves()[0]
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	before, err := s.BinlogPosition(ctx, leaf.Name)
	if err != nil {
		t.Fatal(err)
	}
	var room Room
	for range 2 { // the second look finds the plugin and the table there
		if room, err = s.Room(ctx, pools, leaf.Name); err != nil {
			t.Fatal(err)
		}
	}
	if after, err := s.BinlogPosition(ctx, leaf.Name); err != nil || len(after) != len(before) {
		t.Errorf("a look was written to the binary log: %v, %v before (%v)", after, before, err)
	}
	if room.Why != "" {
		t.Errorf("not found out: %s", room.Why)
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(leaf.Dir, &fs); err != nil {
		t.Fatal(err)
	}
	total := int64(fs.Blocks) * int64(fs.Bsize)
	if d, ok := room.Tightest(topo.Reserve{}); !ok || len(room.Disks) != 1 || max(d.Total-total, total-d.Total) > 1<<20 || d.Left <= 0 || d.Left > d.Total {
		t.Errorf("disks %+v, the system says %d bytes in all", room.Disks, total)
	}
	var mem syscall.Sysinfo_t
	if err := syscall.Sysinfo(&mem); err != nil {
		t.Fatal(err)
	}
	free := int64(mem.Freeram) * int64(mem.Unit)
	if room.MemoryTotal <= 0 || room.MemoryLeft > room.MemoryTotal || room.MemoryLeft < free/2 {
		t.Errorf("memory: %d of %d left, %d are free", room.MemoryLeft, room.MemoryTotal, free)
	}
}

func TestHoldingFileSystems(t *testing.T) {
	mounted := []Disk{{"/", 1, 10}, {"/var/lib", 2, 10}, {"/var/lib", 3, 10}, {"/log", 4, 10}, {"/proc", 0, 0}}
	got := holding(mounted, []string{"/var/lib/mysql/", "/log/bin", "/var/library/x", "./undo", "", "/var/lib/other", "/proc/x"})
	want := []Disk{{"/var/lib", 3, 10}, {"/log", 4, 10}, {"/", 1, 10}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	r := Room{Disks: []Disk{{"/a", 100, 1000}, {"/b", 120, 10000}}}
	if d, _ := r.Tightest(topo.Reserve{Percent: 1}); d.Path != "/b" {
		t.Errorf("the tightest is %v", d)
	}
	if d, _ := r.Tightest(topo.Reserve{Bytes: 10}); d.Path != "/a" {
		t.Errorf("the tightest is %v", d)
	}
}

func TestMemoryOfNodes(t *testing.T) {
	if got := numbered(" 0-2,5\n"); !slices.Equal(got, []int{0, 1, 2, 5}) {
		t.Error(got)
	}
	if got := numbered("x"); got != nil {
		t.Error(got)
	}
	left, total := available([][]string{{"Node 0 MemTotal:  1000 kB"}, {"Node 0 MemFree: 100 kB"}, {"Node 0 Active(file): 10 kB"}, {"Node 0 Inactive(file): 20 kB"}, {"Node 0 SReclaimable: 4 kB"}, {"Node 0 Dirty: 7 kB"}, {"odd"}})
	if left != 132<<10 || total != 1000<<10 {
		t.Error(left, total)
	}
}

func TestMemoryOfContainers(t *testing.T) {
	one := func(s string) [][]string { return [][]string{{s}} }
	stat := [][]string{{"anon 5"}, {"active_file 10"}, {"inactive_file 20"}, {"odd"}, {"total_inactive_file 7"}}
	for _, c := range []struct {
		limit, used string
		caches      string
		left, total int64
	}{
		{"max", "50", "active_file inactive_file", 700, 1000},
		{"9223372036854771712", "50", "total_active_file total_inactive_file", 700, 1000},
		{"100", "80", "active_file inactive_file", 50, 100},
		{"100", "80", "total_active_file total_inactive_file", 27, 100},
		{"900", "80", "active_file inactive_file", 700, 900}, // the machine has no more
		{"100", "180", "", 0, 100},
		{"100", "", "", 700, 1000},
	} {
		if left, total := limited(700, 1000, one(c.limit), one(c.used), stat, c.caches); left != c.left || total != c.total {
			t.Errorf("%+v: %d of %d", c, left, total)
		}
	}
}

func TestWrites(t *testing.T) {
	for text, want := range map[string]bool{
		"INSERT INTO t VALUES (1)": true, " \n update t": true, "commit": true, "COMMIT": true, "XA COMMIT 'a'": true, "CREATE/**/TABLE t (a INT)": true,
		"SELECT 1": false, "INSERTED": false, "": false, "SHOW TABLES": false, "(SELECT 1)": false,
	} {
		if writes(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}

// A server that would take no writes is not made a leaf, and is left as it is.
func TestPrepareWantsRoom(t *testing.T) {
	farm := farmtest.Start(t, 1)
	s, pools := servers(t, farm)
	leaf := farm.Leaves()[0]
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	writer(t, pools, leaf.Name, "", 0, "CREATE DATABASE before_it", "DROP DATABASE before_it")
	before, err := s.BinlogPosition(ctx, leaf.Name)
	if err != nil || len(before) == 0 {
		t.Fatal(before, err)
	}
	none := topo.Reserve{Bytes: 1 << 60}
	for setting, settings := range map[string]topo.Settings{"its free disk space": {DiskReserve: none}, "its machine's free memory": {MemoryReserve: none}} {
		_, err := s.Prepare(ctx, leaf.Addr(), "root", "", farmtest.ClusterPublicKey, nil, settings)
		var unfit *UnfitError
		if !errors.As(err, &unfit) || unfit.Setting != setting || !strings.Contains(unfit.Wanted, "1048576.0 TiB") {
			t.Errorf("%s: %v", setting, err)
		}
	}
	if after, err := s.BinlogPosition(ctx, leaf.Name); err != nil || !maps.Equal(after, before) {
		t.Errorf("the binary log is at %v, it was at %v (%v)", after, before, err)
	}
	if _, err := s.Prepare(ctx, leaf.Addr(), "root", "", farmtest.ClusterPublicKey, nil, topo.Settings{}); err != nil {
		t.Error(err)
	}
}

func TestSize(t *testing.T) {
	farm := farmtest.Shared(t, 1)
	s, pools := servers(t, farm)
	leaf := farm.Leaves()[0].Name
	const schema, other = "d-ä_1", "d-äx1"
	if n, err := s.Size(t.Context(), leaf, schema); err != nil || n != 0 {
		t.Errorf("of nothing: %d, %v", n, err)
	}
	for _, name := range []string{schema, other} {
		writer(t, pools, leaf, "", 0, "CREATE DATABASE "+id(name), "CREATE TABLE "+id(name)+".t (v LONGTEXT)")
		t.Cleanup(func() { writer(t, pools, leaf, "", 0, "DROP DATABASE "+id(name)) })
	}
	writer(t, pools, leaf, "", 0, "INSERT INTO "+id(schema)+".t VALUES (REPEAT('x', 3000000))")
	if n, err := s.Size(t.Context(), leaf, schema); err != nil || n < 3000000 || n > 16<<20 {
		t.Errorf("of 3 MB: %d, %v", n, err)
	}
	if n, err := s.Size(t.Context(), leaf, other); err != nil || n <= 0 || n > 1<<20 {
		t.Errorf("of an empty table: %d, %v", n, err)
	}
}
