package localfarm

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// binaries are the programs of an installed MariaDB server.
type binaries struct {
	server, installer string
	version           string // "10.11.19-MariaDB-0+deb12u1"
}

// sbins are where packages put servers beside the PATH: Debian's ordinary users have no sbin in theirs.
var sbins = []string{
	"/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/libexec", "/usr/bin", "/usr/local/bin", "/usr/local/mysql/bin",
	"/usr/local/mariadb/bin", "/opt/mariadb/bin", "/usr/local/mysql/scripts", "/opt/homebrew/bin",
}

var versionText = regexp.MustCompile(`Ver ((\d+)\.(\d+)\.\d+-MariaDB\S*)`)

// find looks for MariaDB's programs. It returns ErrNotInstalled, wrapped with what is missing.
func find(ctx context.Context) (binaries, error) {
	var b binaries
	var ok bool
	if b.server, ok = look("mariadbd", "mysqld"); !ok {
		return b, fmt.Errorf("%w: no mariadbd found", ErrNotInstalled)
	}
	if b.installer, ok = look("mariadb-install-db", "mysql_install_db"); !ok {
		return b, fmt.Errorf("%w: no mariadb-install-db found", ErrNotInstalled)
	}
	out, err := exec.CommandContext(ctx, b.server, "--no-defaults", "--version").CombinedOutput()
	if err != nil {
		return b, fmt.Errorf("%s --version: %w", b.server, err)
	}
	m := versionText.FindSubmatch(out)
	if m == nil {
		return b, fmt.Errorf("%w: %s is %q", ErrNotInstalled, b.server, out)
	}
	b.version = string(m[1])
	major, _ := strconv.Atoi(string(m[2])) // the expression lets only digits pass
	minor, _ := strconv.Atoi(string(m[3]))
	if major < 10 || major == 10 && minor < 11 {
		return b, fmt.Errorf("%w: %s is version %s, 10.11 or newer is needed", ErrNotInstalled, b.server, b.version)
	}
	return b, nil
}

func look(names ...string) (string, bool) {
	for _, n := range names {
		if p, err := exec.LookPath(n); err == nil {
			return p, true
		}
		for _, d := range sbins {
			p := filepath.Join(d, n)
			if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
				return p, true
			}
		}
	}
	return "", false
}

// Version is the version of the MariaDB server that farms on this machine run. It returns ErrNotInstalled, wrapped, when there is none.
func Version(ctx context.Context) (string, error) {
	b, err := find(ctx)
	return b.version, err
}
