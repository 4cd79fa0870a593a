package localfarm

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Config says what farm to run.
type Config struct {
	// Dir holds everything: one directory per leaf, the template, the lock file. It is made when missing.
	Dir string
	// Leaves is how many servers to run. Leaves made by earlier starts run as well, even when they are more: data lives there.
	Leaves int
	// PortBase is the port of the first leaf, the others follow. 0 picks free ports.
	PortBase int
	// Options are MariaDB options, "name=value" or "name", in force over the farm's own; the last of one name wins.
	Options []string
	// ClusterPublicKey is the public half of the cluster's ed25519 key as MariaDB stores it (43 characters of base64). The account
	// orbweaver@% logs in with it and nothing else, and root@localhost as a second method.
	ClusterPublicKey string
	// Logger gets what the supervisors see; nil discards it.
	Logger *slog.Logger
	// StopTimeout is how long a server may take to shut down before it is killed; 0 means 20 s.
	StopTimeout time.Duration
	// TemplateDir is where the template data directory is kept; "" means below Dir.
	TemplateDir string
	// CertFile and KeyFile, where given, are a certificate and its key for TLS. Each leaf gets copies.
	CertFile, KeyFile string
	// FirstServerID is the server_id of the first leaf, the others follow; 0 means 1.
	FirstServerID uint32
	// Throwaway farms trade durability against a crash of the machine (not of a server) for speed, and are killed by Close.
	Throwaway bool
}

// Leaf describes one server of a farm.
type Leaf struct {
	Name     string // "leaf-1"
	Host     string // 127.0.0.1
	Port     int
	Group    int // availability group: 1 and 2 by turns
	ServerID uint32
	Dir      string // configuration, log, socket and data
	Socket   string
	Log      string // what the server prints
}

// Addr is host:port.
func (l Leaf) Addr() string { return net.JoinHostPort(l.Host, strconv.Itoa(l.Port)) }

// ErrNotInstalled says that this machine lacks a MariaDB server (10.11 or newer).
var ErrNotInstalled = errors.New("MariaDB's server is not installed")

// ErrClosed is returned by methods of a farm that has been closed.
var ErrClosed = errors.New("farm is closed")

// InUseError says that another process runs a farm in the directory.
type InUseError struct {
	Dir string
	PID int // 0 when it is not known
}

func (e *InUseError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("data directory %s is in use by another process", e.Dir)
	}
	return fmt.Sprintf("data directory %s is in use by process %d", e.Dir, e.PID)
}

// ConfigError says which part of a Config can't be used, and why.
type ConfigError struct {
	What, Why string
}

func (e *ConfigError) Error() string { return e.What + ": " + e.Why }

// StartError says that a server ended before it accepted connections.
type StartError struct {
	Leaf string
	Exit string // how the process ended
	Log  string // the log's path
	Tail string // what the server said last
}

func (e *StartError) Error() string {
	s := fmt.Sprintf("%s did not start (%s), see %s", e.Leaf, e.Exit, e.Log)
	if e.Tail != "" {
		s += ":\n" + e.Tail
	}
	return s
}

// owned are the options that the farm can't hand over: it finds, reaches and supervises its servers by them.
var owned = []string{
	"basedir", "bind_address", "bootstrap", "datadir", "defaults_file", "help", "init_file", "log_bin", "log_error", "pid_file", "port",
	"server_id", "skip_bind_address", "skip_grant_tables", "skip_log_bin", "skip_networking", "socket", "tmpdir", "user", "version",
}

var (
	optionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)
	publicKey  = regexp.MustCompile(`^[A-Za-z0-9+/]{43}$`)
)

func (c *Config) validate() error {
	if c.Dir == "" {
		return &ConfigError{"data directory", "is missing"}
	}
	if c.Leaves < 1 || c.Leaves > 64 {
		return &ConfigError{"number of leaves", fmt.Sprintf("%d is not between 1 and 64", c.Leaves)}
	}
	if c.PortBase < 0 || c.PortBase > 65535 {
		return &ConfigError{"leaf port base", fmt.Sprintf("%d is not a port", c.PortBase)}
	}
	if !publicKey.MatchString(c.ClusterPublicKey) {
		return &ConfigError{"cluster public key", "is not 43 characters of base64"}
	}
	for _, o := range c.Options {
		if err := CheckOption(o); err != nil {
			return err
		}
	}
	return nil
}

// CheckOption says whether o is a MariaDB option that Config.Options takes, as far as that can be told without asking MariaDB.
func CheckOption(o string) error {
	name, value, _ := strings.Cut(o, "=")
	if !optionName.MatchString(name) {
		return &ConfigError{"MariaDB option " + strconv.Quote(o), "is not of the form name=value"}
	}
	if strings.ContainsAny(value, "\n\r\x00") {
		return &ConfigError{"MariaDB option " + name, "a value can't span lines"}
	}
	// MariaDB takes dashes for underscores and a "loose-" in front of any name.
	plain := strings.TrimPrefix(strings.ToLower(strings.ReplaceAll(name, "-", "_")), "loose_")
	if slices.Contains(owned, plain) {
		return &ConfigError{"MariaDB option " + name, "is set by Orbweaver"}
	}
	return nil
}
