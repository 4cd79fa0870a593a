package backend

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/wire"
)

const cipher = "SELECT VARIABLE_VALUE <> '' FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_cipher'"

func TestTLSToLeaves(t *testing.T) {
	unsecured := farmtest.Shared(t, 1) // first: what it runs is not the pools'
	certs := farmtest.Certify(t)
	farm := farmtest.Start(t, 1, certs.LeafOptions()...)
	p := poolsFor(t, farm, func(c *Config) { c.TLS = certs.ToLeaves(false) })
	c := get(t, p, leaf1)
	if got := one(t, c, cipher); got != "1" {
		t.Errorf("the cluster's own connection has no TLS: %s", got)
	}
	for _, q := range []string{
		"CREATE USER plain@'%' IDENTIFIED VIA ed25519 USING '" + farmtest.ClusterPublicKey + "'",
		"CREATE USER needs@'%' IDENTIFIED VIA ed25519 USING '" + farmtest.ClusterPublicKey + "' REQUIRE SSL",
		"CREATE USER shows@'%' IDENTIFIED VIA ed25519 USING '" + farmtest.ClusterPublicKey + "' REQUIRE X509",
	} {
		query(t, c, q)
	}
	c.Release()
	as := func(user string) Want {
		w := leaf1
		w.Account = Account{User: user, Host: "%", ClientIP: tenNet()}
		return w
	}
	try := func(p *Pools, w Want) (string, error) {
		c, err := p.Get(context.Background(), w)
		if err != nil {
			return "", err
		}
		defer c.Release()
		return one(t, c, cipher), nil
	}
	always := p
	required := poolsFor(t, farm, func(c *Config) { c.TLS, c.TLSWhereRequired = certs.ToLeaves(true), true })
	without := poolsFor(t, farm)
	for _, x := range []struct {
		name  string
		pools *Pools
		want  Want
		gives string
		code  uint16
	}{
		{"always", always, as("plain"), "1", 0},
		{"always", always, as("needs"), "1", 0},
		{"always, no certificate", always, as("shows"), "", wire.ErAccessDenied},
		{"where required", required, leaf1, "0", 0},
		{"where required", required, as("plain"), "0", 0},
		{"where required", required, as("needs"), "1", 0},
		{"where required, once more", required, as("needs"), "1", 0},
		{"where required", required, as("shows"), "1", 0},
		{"where required", required, as("nobody"), "", wire.ErAccessDenied},
		{"without", without, as("plain"), "0", 0},
		{"without", without, as("needs"), "", wire.ErAccessDenied},
	} {
		got, err := try(x.pools, x.want)
		var refused *wire.ServerError
		if got != x.gives || (err != nil) != (x.code != 0) || err != nil && (!errors.As(err, &refused) || refused.Code != x.code) {
			t.Errorf("%s, %q: %q, %v", x.name, x.want.Account.User, got, err)
		}
	}
	// An account that is told to require TLS while it is in use.
	c = get(t, always, leaf1)
	query(t, c, "ALTER USER plain@'%' REQUIRE SSL")
	c.Release()
	required.Drop("leaf-1")
	if got, err := try(required, as("plain")); got != "1" || err != nil {
		t.Errorf("after ALTER USER: %q, %v", got, err)
	}

	strangers := poolsFor(t, farm, func(c *Config) { c.TLS = farmtest.Certify(t).ToLeaves(false) })
	var unknown x509.UnknownAuthorityError
	var down *LeafDownError
	if _, err := try(strangers, leaf1); !errors.As(err, &unknown) || !errors.As(err, &down) {
		t.Errorf("a leaf that others have certified: %v", err)
	}
	misnamed := poolsFor(t, farm, func(c *Config) {
		c.TLS = certs.ToLeaves(false)
		c.TLS.ServerName = "elsewhere"
	})
	var name x509.HostnameError
	if _, err := try(misnamed, leaf1); !errors.As(err, &name) {
		t.Errorf("a certificate for another name: %v", err)
	}
	none := poolsFor(t, unsecured, func(c *Config) { c.TLS = certs.ToLeaves(false) })
	if _, err := try(none, leaf1); !errors.Is(err, wire.ErrNoTLS) || !strings.Contains(err.Error(), "leaf-1") {
		t.Errorf("a leaf without TLS: %v", err)
	}
}
