package mariadb

import (
	"context"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Where nodes use TLS towards leaves, leaves use it among each other, and a server without it is not taken.
func TestReplicationByTLS(t *testing.T) {
	certs := farmtest.Certify(t)
	farm := farmtest.Start(t, 2, certs.LeafOptions()...)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	plain, pools := servers(t, farm)
	secured, _ := servers(t, farm, func(c *backend.Config) { c.TLS = certs.ToLeaves(false) })
	source, target := farm.Leaves()[0], farm.Leaves()[1]
	if err := plain.Serve(ctx, source.Name, "tls_0", 91, 1); err != nil {
		t.Fatal(err)
	}
	writer(t, pools, source.Name, "tls_0", 91, "CREATE DATABASE tls_0", "CREATE TABLE tls_0.t (id INT PRIMARY KEY)", "INSERT INTO tls_0.t VALUES (1)")
	for i, s := range []*Servers{plain, secured} { // the second finds a link that is not encrypted
		if err := s.Follow(ctx, target.Name, source.Name, source.Addr(), Start{Domain: 91}); err != nil {
			t.Fatal(err)
		}
		writer(t, pools, source.Name, "tls_0", 91, "INSERT INTO tls_0.t SELECT MAX(id) + 1 FROM tls_0.t")
		for want := string(rune('2' + i)); ; time.Sleep(10 * time.Millisecond) {
			if got := count(t, s, target.Name, "tls_0.t"); got == want {
				break
			} else if ctx.Err() != nil {
				t.Fatalf("%s rows: %v", got, ctx.Err())
			}
		}
		all, err := s.Links(ctx, target.Name)
		if err != nil || all[source.Name] == nil || all[source.Name].Encrypted != (s == secured) || !all[source.Name].Receiving {
			t.Errorf("%+v, %v", all[source.Name], err)
		}
	}
	bare := farmtest.Start(t, 1).Leaves()[0]
	if _, err := secured.Prepare(ctx, bare.Addr(), "root", "", farmtest.ClusterPublicKey, nil, topo.Settings{}); err == nil {
		t.Error("a server without TLS is taken")
	} else {
		t.Log(err)
	}
}
