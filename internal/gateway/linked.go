package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// makeRemote makes of links what is dialled. They lead to one account of one server, and where a password is written more than once it must be the same each time:
// or a table with a wrong one would be read by way of another's.
func (g *Gateway) makeRemote(links []spider.Link) (*backend.Remote, error) {
	l := &links[0]
	password := ""
	for i := range links {
		p, err := g.password(&links[i])
		if err != nil {
			return nil, err
		}
		if i > 0 && p != password {
			return nil, unsupported("this statement", "the linked tables' passwords for "+l.Name()+" differ")
		}
		password = p
	}
	r := backend.Remote{Name: l.Name(), Network: "tcp", Addr: net.JoinHostPort(l.Host, strconv.Itoa(l.Port)), User: l.User,
		Connect: time.Duration(l.ConnectTimeout) * time.Second, Base: g.remoteState}
	if l.Local() && l.Socket != "" {
		r.Network, r.Addr = "unix", l.Socket
	}
	// Accounts that a plan tells apart are told apart here, too: it counts the connections to each.
	r.ID = "server " + g.cfg.Pools.Derive(fmt.Sprintf("remote %s %q %q %#v %d %q", r.Network, r.Addr, r.User, l.Account(), l.ConnectTimeout, password))
	if l.TLS != (spider.TLS{}) {
		host, files := l.Host, l.TLS
		r.TLS = func() (*tls.Config, error) { return remoteTLS(host, files) }
	}
	return r.WithPassword(password), nil
}

// password opens a link's password.
func (g *Gateway) password(l *spider.Link) (string, error) {
	if l.Password != "" {
		return l.Password.Reveal(), nil
	}
	if len(l.Sealed) == 0 {
		return "", nil
	}
	if g.cfg.Open == nil {
		return "", unsupported("linked tables", "this node has no key to open passwords with")
	}
	p, err := g.cfg.Open(l.Sealed, l.Purpose)
	if err != nil {
		return "", fmt.Errorf("the password for %s: %w; give it anew", l.Name(), err)
	}
	return p, nil
}

// remoteTLS is what a link's files ask for, as MariaDB's clients take them: with a CA the server's certificate must be signed by it, and only when the link says so
// it must be for the server's name.
func remoteTLS(host string, files spider.TLS) (*tls.Config, error) {
	c := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: true}
	roots := files.CA != "" || files.CAPath != ""
	if roots {
		c.RootCAs = x509.NewCertPool()
		names := []string{files.CA}
		if files.CAPath != "" {
			more, err := filepath.Glob(filepath.Join(files.CAPath, "*"))
			if err != nil {
				return nil, err
			}
			names = append(names, more...)
		}
		for _, name := range names {
			if name == "" {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			if !c.RootCAs.AppendCertsFromPEM(text) && name == files.CA {
				return nil, fmt.Errorf("%s holds no certificate", name)
			}
		}
	}
	if files.Cert != "" || files.Key != "" {
		pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
	}
	switch {
	case files.Verify:
		c.InsecureSkipVerify = false
	case roots:
		c.VerifyConnection = func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return errors.New("the server has no certificate")
			}
			o := x509.VerifyOptions{Roots: c.RootCAs, Intermediates: x509.NewCertPool()}
			for _, i := range s.PeerCertificates[1:] {
				o.Intermediates.AddCert(i)
			}
			_, err := s.PeerCertificates[0].Verify(o)
			return err
		}
	}
	return c, nil
}

// remoteVariables are those by which a statement means one thing or another, and by which writes last. What a server bounds and how it finds rows is its own to say.
var remoteVariables = []string{"sql_mode", "tx_isolation", "time_zone", "autocommit", "completion_type", "tx_read_only", "sql_auto_is_null", "sql_safe_updates", "sql_select_limit",
	"div_precision_increment", "default_week_format", "group_concat_max_len", "lc_time_names", "max_sort_length", "updatable_views_with_limit", "foreign_key_checks",
	"unique_checks", "check_constraint_checks"}

// remoteBase is what connections to remote servers have set ahead of what the session sets: the values that remoteVariables have at the leaves, not at the remote
// server. The time zone is the server's where the leaves have that of their machines: it has no name.
func remoteBase(values [][]byte) *backend.State {
	var s *backend.State
	for i, name := range remoteVariables {
		v := string(values[i])
		switch {
		case name == "time_zone" && strings.EqualFold(v, "SYSTEM"):
			continue
		case name == "autocommit": // nodes begin transactions themselves
			v = "1"
		case name == "completion_type":
			v = "0"
		case name == "tx_read_only":
			v = "0"
		case strings.Trim(v, "0123456789") != "" || v == "":
			v = escaped(v)
		}
		s = s.With(name, name+"="+v)
	}
	return s
}

// isLinked says whether the first of a statement's tables is a linked one.
func (s *session) isLinked(tables []*sqltext.TableName, snap *topo.Snapshot) bool {
	if len(tables) == 0 {
		return false
	}
	_, t, err := s.tableOf(tables[0], snap)
	return err == nil && t != nil && t.Kind == topo.Linked
}

// fitLinked refuses what would be read otherwise than it was meant.
func (s *session) fitLinked(d *sqltext.DDL) error {
	if err := s.needsCatalog("ENGINE=SPIDER"); err != nil {
		return err
	}
	if !strings.HasPrefix(s.charset.client, "utf8") && !asciiOptions(d) {
		return unsupported("ENGINE=SPIDER", "with other than ASCII characters in "+s.charset.client+": SET NAMES utf8mb4 before")
	}
	return nil
}

// asciiOptions says whether all options of a table and its partitions are ASCII, and the partitions' names.
func asciiOptions(d *sqltext.DDL) bool {
	plain := func(options []sqltext.Option) bool {
		return !slices.ContainsFunc(options, func(o sqltext.Option) bool { return !ascii(o.Value.Text) })
	}
	var parts func(defs []sqltext.PartitionDef) bool
	parts = func(defs []sqltext.PartitionDef) bool {
		return !slices.ContainsFunc(defs, func(p sqltext.PartitionDef) bool { return !ascii(p.Name.Text) || !plain(p.Options) || !parts(p.Subs) })
	}
	if d.Partitioning != nil && !parts(d.Partitioning.Partitions) {
		return false
	}
	return plain(d.Options) && !slices.ContainsFunc(d.Actions, func(a sqltext.AlterAction) bool { return !plain(a.Options) || !parts(a.PartitionDefs) })
}

// tryLinked asks the remote servers of a table that was just made or altered for no row of it. What is wrong is told as warnings: the table is made, and the servers
// may be put right later.
func (s *session) tryLinked(ctx context.Context, n *sqltext.TableName) {
	snap := s.g.cfg.Catalog.Snapshot()
	_, t, err := s.tableOf(n, snap)
	if err != nil || t == nil {
		return
	}
	var told []*wire.ServerError // each once, for all the partitions that it is about
	of := map[string][]string{}
	for _, p := range s.g.exec.Try(ctx, snap, t) {
		e := serverError(ctx, p.Err)
		if _, ok := of[e.Message]; !ok {
			told = append(told, e)
		}
		of[e.Message] = append(of[e.Message], p.Partition)
	}
	for _, e := range told {
		m := e.Message
		if t.Scheme != "" {
			m += " (partition " + strings.Join(of[m], ", ") + ")"
		}
		s.warnings = append(s.warnings, exec.Note{Level: "Warning", Code: strconv.Itoa(int(e.Code)), Message: m})
	}
}
