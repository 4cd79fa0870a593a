package gateway

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

// Accounts that require TLS, at nodes with and without TLS towards the leaves.
func TestAccountsThatRequireTLS(t *testing.T) {
	t.Parallel()
	certs := farmtest.Certify(t)
	farm := farmtest.Start(t, 2, certs.LeafOptions()...)
	toClients := &tls.Config{Certificates: []tls.Certificate{certs.Server}, ClientCAs: certs.CA, ClientAuth: tls.VerifyClientCertIfGiven}
	for name, c := range map[string]*tls.Config{
		"secured":   {RootCAs: certs.CA, ServerName: "localhost"},
		"certified": {RootCAs: certs.CA, ServerName: "localhost", Certificates: []tls.Certificate{certs.Client}},
	} {
		if err := mysql.RegisterTLSConfig(name, c); err != nil {
			t.Fatal(err)
		}
	}
	const plain, secured, certified = "", "tls=secured", "tls=certified"
	type login struct {
		user, params string
		code         uint16
		says         string
	}
	const denied = "Access denied for user '%s'@'localhost' (using password: YES)"
	everywhere := []login{ // whatever the leaves' side is
		{"free", plain, 0, ""}, {"free", secured, 0, ""}, {"free", certified, 0, ""},
		{"secure", plain, 1045, denied}, {"known", plain, 1045, denied}, {"known", secured, 1045, denied},
		{"named", plain, 1045, "REQUIRE SUBJECT"}, {"named", certified, 1045, "REQUIRE SUBJECT, ISSUER or CIPHER can't be checked through a node"},
	}
	for _, node := range []struct {
		name   string
		leaves func(*backend.Config)
		logins []login
	}{
		{"no TLS to leaves", func(*backend.Config) {}, []login{
			{"secure", secured, 1045, "see leaf_ca in"}, {"known", certified, 1045, "see leaf_ca and leaf_cert in"},
		}},
		{"TLS to leaves", func(c *backend.Config) { c.TLS = certs.ToLeaves(false) }, []login{
			{"secure", secured, 0, ""}, {"secure", certified, 0, ""}, {"known", certified, 1045, "see leaf_ca and leaf_cert in"},
		}},
		{"TLS with a certificate where accounts require it", func(c *backend.Config) { c.TLS, c.TLSWhereRequired = certs.ToLeaves(true), true }, []login{
			{"secure", secured, 0, ""}, {"known", certified, 0, ""},
		}},
	} {
		t.Run(node.name, func(t *testing.T) {
			b, err := newBench(farm, Config{TLS: toClients}, node.leaves)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(b.close)
			root := b.database(t, "tlsdb")
			root.exec("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
			root.exec("INSERT INTO t VALUES (1,1),(2,2),(3,3),(4,4)")
			for user, require := range map[string]string{"free": "NONE", "secure": "SSL", "known": "X509", "named": "SUBJECT '/CN=client'"} {
				b.account(t, "'"+user+"'@'%'", "IDENTIFIED BY 'p' REQUIRE "+require)
				root.exec("GRANT SELECT, INSERT ON tlsdb.* TO '" + user + "'@'%'")
			}
			for _, l := range append(everywhere, node.logins...) {
				code, text := b.login(t, l.user, "p", "tlsdb", l.params)
				says := strings.ReplaceAll(l.says, "%s", l.user)
				if code != l.code || !strings.Contains(text, says) || l.says == denied && text != says {
					t.Errorf("%s, %q: error %d %q, want %d %q", l.user, l.params, code, text, l.code, says)
				}
				if code != 0 {
					continue
				}
				d := b.open(t, l.user, "p", "tlsdb", l.params)
				d.SetMaxOpenConns(1)
				for i, q := range []string{"SELECT v FROM t WHERE id = 2", "SELECT SUM(v) - 8 FROM t WHERE id < 5", "SELECT 2"} {
					var got string
					if err := d.QueryRow(q).Scan(&got); err != nil || got != "2" {
						t.Errorf("%s, %q: statement %d: %q, %v", l.user, l.params, i, got, err)
					}
				}
				version := map[bool]string{true: "", false: "TLSv1.3"}[l.params == plain]
				for _, q := range []string{"SHOW STATUS LIKE 'Ssl_version'", "SELECT @@have_ssl, VARIABLE_VALUE FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'SSL_VERSION'"} {
					var first, got string
					if err := d.QueryRow(q).Scan(&first, &got); err != nil || got != version || first != "YES" && first != "Ssl_version" {
						t.Errorf("%s, %q: %s: %q, %q, %v", l.user, l.params, q, first, got, err)
					}
				}
				key := 100 + len(l.user)*10 + len(l.params)
				if _, err := d.ExecContext(context.Background(), fmt.Sprintf("INSERT INTO t VALUES (%d,0),(%d,0)", 2*key, 2*key+1)); err != nil {
					t.Errorf("%s, %q: %v", l.user, l.params, err)
				}
			}
			if code, _ := b.login(t, "secure", "wrong", "", secured); code != 1045 {
				t.Errorf("a wrong password over TLS: error %d", code)
			}
		})
	}
}

// A session goes on when its account is told to require TLS, as at a server; the next login is refused.
func TestRequireTLSComesLater(t *testing.T) {
	t.Parallel()
	certs := farmtest.Certify(t)
	b, err := newBench(farmtest.Start(t, 1, certs.LeafOptions()...), Config{}, func(c *backend.Config) { c.TLS, c.TLSWhereRequired = certs.ToLeaves(false), true })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	b.account(t, "'later'@'%'", "IDENTIFIED BY 'p'")
	c := b.as(t, "later", "p", "")
	c.want("SELECT CURRENT_USER()", "later@%")
	b.root(t, "").exec("ALTER USER 'later'@'%' REQUIRE SSL")
	c.want("SELECT CURRENT_USER()", "later@%")
	if code, _ := b.login(t, "later", "p", "", ""); code != 1045 {
		t.Errorf("a new login without TLS: error %d", code)
	}
}
