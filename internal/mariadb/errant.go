package mariadb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// ErrNoBinlogProgram: this machine lacks the program that reads binary logs.
var ErrNoBinlogProgram = errors.New("the program mariadb-binlog is not installed")

// SaveErrant writes the transactions of one domain after a position, up to another, from a server's binary log into a new file in dir: statements and rows as
// comments, for people. It returns the file's path.
func (s *Servers) SaveErrant(ctx context.Context, leaf, schema string, after, upTo GTID, dir string) (path string, err error) {
	program, err := exec.LookPath("mariadb-binlog")
	if err != nil {
		if program, err = exec.LookPath("mysqlbinlog"); err != nil {
			return "", ErrNoBinlogProgram
		}
	}
	addr, ok := s.pools.Addr(leaf)
	if !ok {
		return "", fmt.Errorf("leaf %s has no address", leaf)
	}
	host, port, err := split(addr)
	if err != nil {
		return "", err
	}
	logs, err := s.at(ctx, leaf, "SHOW BINARY LOGS")
	if err != nil {
		return "", err
	}
	if len(logs.Rows) == 0 {
		return "", fmt.Errorf("leaf %s has no binary log", leaf)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	path = filepath.Join(dir, fmt.Sprintf("errant-%s-%s-%s.sql", schema, leaf, time.Now().UTC().Format("20060102T150405.000")))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	defer func() {
		if e := file.Close(); err == nil {
			err = e
		}
	}()
	if _, err := fmt.Fprintf(file, "-- %s on leaf %s: transactions after %q up to %q\n", schema, leaf, after, upTo); err != nil {
		return "", err
	}
	args := []string{
		"--no-defaults", "--read-from-remote-server", "--host=" + host, fmt.Sprintf("--port=%d", port), "--user=" + Replicator, "--verbose",
		"--base64-output=decode-rows", "--to-last-log", fmt.Sprintf("--do-domain-ids=%d", upTo.Domain),
	}
	if after.Sequence > 0 {
		args = append(args, "--start-position="+after.String())
	}
	cmd := exec.CommandContext(ctx, program, append(args, string(logs.Rows[0][0]))...)
	cmd.Env = append(os.Environ(), "MYSQL_PWD="+s.password)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = file, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", filepath.Base(program), err, bytes.TrimSpace(said.Bytes()))
	}
	return path, nil
}
