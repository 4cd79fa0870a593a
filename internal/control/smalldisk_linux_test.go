package control_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/orbweaver/orbweaver/internal/localfarm"
)

// mounting says whether this test may mount file systems here. Where it may not, it is run again, whole, by a process in namespaces of its own that may, and is
// over here with that. Where the system grants neither there is no such disk to be had: the test of reserves that no machine has is what remains.
func mounting(t *testing.T) bool {
	t.Helper()
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k")
	if err == nil {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Fatal(err)
		}
		return true
	}
	const inside = "ORBWEAVER_TEST_NAMESPACE"
	if os.Getenv(inside) != "" {
		t.Fatalf("in a namespace of its own: %v", err)
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v", "-test.count=1")
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}},
		AmbientCaps: []uintptr{21}, // CAP_SYS_ADMIN, in that namespace
		Pdeathsig:   syscall.SIGKILL,
	}
	out, again := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case again == nil && strings.Contains(string(out), "--- PASS: "+t.Name()):
		t.Logf("in a namespace of its own:\n%s", out)
	case errors.As(again, &exit), again == nil:
		t.Fatalf("in a namespace of its own: %v\n%s", again, out)
	default:
		t.Logf("NOT TESTED with a disk that is really full: file systems can't be mounted here (%v), not in a namespace either (%v)", err, again)
	}
	return false
}

// disk is a small file system that holds a leaf's data.
type disk struct {
	t    *testing.T
	path string
}

// smallDisk moves a leaf's data to a file system of its own. The leaf is restarted.
func smallDisk(t *testing.T, farm *localfarm.Farm, i int, size string) *disk {
	t.Helper()
	ctx := within(t, patience)
	if err := farm.Stop(ctx, i); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(farm.Leaves()[i].Dir, "data")
	if err := os.Rename(data, data+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", data, "tmpfs", 0, "size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // ahead of the farm's end: the server keeps it until it has ended
		if err := syscall.Unmount(data, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	// Without holes, which InnoDB does not leave either: it would end for a log that it can't write.
	if out, err := exec.Command("cp", "-a", "--sparse=never", data+".moved/.", data).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := farm.StartLeaf(ctx, i); err != nil {
		t.Fatal(err)
	}
	return &disk{t, data}
}

// left is how much room there is.
func (d *disk) left() int64 {
	d.t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(d.path, &fs); err != nil {
		d.t.Fatal(err)
	}
	return int64(fs.Bavail) * int64(fs.Bsize)
}

// fill takes all room but some.
func (d *disk) fill(but int64) {
	d.t.Helper()
	f, err := os.OpenFile(filepath.Join(d.path, "ballast"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for d.left() > but {
		n := max(min(d.left()-but, int64(len(block))), 1)
		if _, err := f.Write(block[:n]); errors.Is(err, syscall.ENOSPC) {
			return
		} else if err != nil {
			d.t.Fatal(err)
		}
	}
}

// empty gives back what fill has taken.
func (d *disk) empty() {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.path, "ballast")); err != nil {
		d.t.Fatal(err)
	}
}
