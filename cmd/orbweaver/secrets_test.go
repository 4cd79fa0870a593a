package main

import (
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/catalog"
)

func openCatalog(t *testing.T) *catalog.Catalog {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	etcd, err := catalog.StartEmbedded(ctx, catalog.EmbeddedConfig{Dir: filepath.Join(t.TempDir(), "etcd"), Throwaway: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { etcd.Close() })
	cat, err := catalog.Open(ctx, catalog.Config{Endpoints: etcd.Endpoints()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cat.Close() })
	return cat
}

func TestClusterKey(t *testing.T) {
	ctx, cat, file := context.Background(), openCatalog(t), filepath.Join(t.TempDir(), "cluster.key")
	if _, err := clusterKey(ctx, cat, ""); err == nil {
		t.Error("a catalog without a key has one")
	}
	key, err := localKey(ctx, cat, file)
	if err != nil || len(key) != 43 {
		t.Fatalf("%q, %v", key, err)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	same := func(what string, got string, err error) {
		t.Helper()
		if err != nil || got != key {
			t.Errorf("%s: another key, %v", what, err)
		}
	}
	got, err := localKey(ctx, cat, file)
	same("again", got, err)
	got, err = clusterKey(ctx, cat, "")
	same("from the catalog", got, err)
	got, err = clusterKey(ctx, cat, file)
	same("from the file", got, err)

	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	got, err = localKey(ctx, cat, file)
	same("without the file", got, err)
	got, err = readSecret(file)
	same("the file made again", got, err)

	if err := os.WriteFile(file, []byte("another\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := localKey(ctx, cat, file); err == nil {
		t.Error("a wrong key is taken")
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := clusterKey(ctx, cat, file); err == nil {
		t.Error("a key that everybody can read is taken")
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := localKey(ctx, cat, file); err == nil {
		t.Error("an empty key is taken")
	}
}

func TestCertificate(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	serial := func(at time.Time) string {
		t.Helper()
		c, err := localCertificate(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), at)
		if err != nil {
			t.Fatal(err)
		}
		leaf := c.Certificates[0].Leaf
		pool := x509.NewCertPool()
		pool.AddCert(leaf)
		for _, name := range []string{"localhost", "127.0.0.1"} {
			if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: pool, CurrentTime: at}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		return leaf.SerialNumber.String()
	}
	first := serial(now)
	if serial(now.AddDate(9, 0, 0)) != first {
		t.Error("a valid certificate was made anew")
	}
	if serial(now.AddDate(9, 11, 15)) == first {
		t.Error("a certificate that is about to expire was kept")
	}
	if st, err := os.Stat(filepath.Join(dir, "tls.key")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "tls.crt"), []byte("rubbish"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := localCertificate(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), now); err == nil {
		t.Error("rubbish is taken for a certificate")
	}
}
