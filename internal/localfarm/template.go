package localfarm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

// identity is the system account that a leaf runs as.
type identity struct{ uid, gid int }

// template makes the data directory that leaves are copied from, unless it is there. Many processes may ask at once.
func template(ctx context.Context, root string, b binaries, throwaway bool) (string, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return "", err
	}
	name := "template-" + regexp.MustCompile(`[^A-Za-z0-9.]+`).ReplaceAllString(b.version, "-") + "-" + logFileSize(throwaway)
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	lock, err := waitLock(ctx, filepath.Join(root, name+".lock"))
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	making := dir + ".making"
	if err := os.RemoveAll(making); err != nil {
		return "", err
	}
	args := []string{
		"--no-defaults", "--datadir=" + making, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve",
		"--innodb-log-file-size=" + logFileSize(throwaway),
	}
	if os.Geteuid() == 0 {
		args = append(args, "--user=root")
	}
	cmd := exec.CommandContext(ctx, b.installer, args...)
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", b.installer, err, lastLines(out, 12))
	}
	return dir, os.Rename(making, dir)
}

// waitLock takes the lock on a file, waiting for others to give it back. Closing the file gives it back.
func waitLock(ctx context.Context, path string) (*os.File, error) {
	for {
		f, err := tryLock(path)
		if err == nil || !errors.Is(err, errLocked) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for %s: %w", path, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// copyTree copies a data directory, keeping holes and giving the copy to its owner.
func copyTree(ctx context.Context, from, to string, owner identity) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			if err := os.Mkdir(target, 0o700); err != nil {
				return err
			}
		} else if err := copyFile(path, target); err != nil {
			return err
		}
		return own(target, owner)
	})
}

func copyFile(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o660)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := out.Close(); err == nil {
			err = cerr
		}
	}()
	// A fresh redo log is nearly all zeros: holes make a leaf small and its copy quick.
	buf, zeros := make([]byte, 64<<10), make([]byte, 64<<10)
	var size int64
	for {
		n, rerr := io.ReadFull(in, buf)
		if n > 0 && !bytes.Equal(buf[:n], zeros[:n]) {
			if _, err := out.WriteAt(buf[:n], size); err != nil {
				return err
			}
		}
		size += int64(n)
		switch {
		case errors.Is(rerr, io.EOF), errors.Is(rerr, io.ErrUnexpectedEOF):
			return out.Truncate(size)
		case rerr != nil:
			return rerr
		}
	}
}

// own gives a file to the leaf's account; only root can and need do so.
func own(path string, owner identity) error {
	if os.Geteuid() != 0 {
		return nil
	}
	return os.Lchown(path, owner.uid, owner.gid)
}

// lastLines is the end of a program's output.
func lastLines(out []byte, n int) []byte {
	out = bytes.TrimRight(out, "\n")
	lines := bytes.Split(out, []byte("\n"))
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return bytes.Join(lines, []byte("\n"))
}
