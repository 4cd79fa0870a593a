package gatewaytest

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/orbweaver/orbweaver/internal/gateway"
	"github.com/orbweaver/orbweaver/internal/localfarm"
	"github.com/orbweaver/orbweaver/internal/localfarm/farmtest"
)

var shared struct {
	sync.Mutex
	node *Node
}

// Main is a package's TestMain: it runs the tests and stops what they have shared.
func Main(m *testing.M) {
	code := farmtest.Main(m)
	if shared.node != nil {
		if err := shared.node.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// Shared is a node over two leaves and a plain server beside it, which all tests of a package have in common.
func Shared(t testing.TB) (node *Node, plain localfarm.Leaf) {
	t.Helper()
	leaves, one := farmtest.Shared(t, 2), farmtest.Shared(t, 1)
	shared.Lock()
	defer shared.Unlock()
	if shared.node == nil {
		n, err := Start(leaves, gateway.Config{})
		if err != nil {
			t.Fatal(err)
		}
		shared.node = n
	}
	return shared.node, one.Leaves()[0]
}
