package main

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/orbweaver/orbweaver/internal/catalog"
)

// What keeps a node from starting is told, whatever had been started before.
func TestNodeThatCanNotStart(t *testing.T) {
	t.Parallel()
	etcd, err := catalog.StartEmbedded(t.Context(), catalog.EmbeddedConfig{Dir: filepath.Join(t.TempDir(), "etcd"), Throwaway: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = etcd.Close() }()
	cat, err := catalog.Open(t.Context(), catalog.Config{Endpoints: etcd.Endpoints()})
	if err != nil {
		t.Fatal(err)
	}
	ports, err := listen("127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ports.close(t.Context()) }()
	if err := cat.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := startNode(t.Context(), nodeConfig{Name: "a", Catalog: cat, Listeners: ports}); !errors.Is(err, catalog.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}
