package control_test

import (
	"testing"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// A leaf that was away attaches many partitions while all of them are written, some after the link that others have made: each goes on where its own
// copy stood, and has all that was acknowledged when the other leaf dies.
func TestReturningReplicasMissNothing(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, 2, 1)
	c.must("CREATE DATABASE d PARTITIONS 16 WITH SYNC REPLICATION", "CREATE TABLE d.t (id BIGINT PRIMARY KEY, v INT)")
	c.until("whole", whole)
	allAt := func(leaf string) func(*topo.Snapshot) bool {
		return func(s *topo.Snapshot) bool {
			for _, p := range s.Databases["d"].Partitions {
				if m, ok := p.Master(); !ok || m != leaf || p.Locked {
					return false
				}
			}
			return true
		}
	}
	load := c.insert(8)
	load.more(t, 100)
	release := c.hold(1)
	c.until("a failover", allAt("leaf-1"))
	load.more(t, 200)
	release()
	c.until("whole again", whole)
	load.more(t, 200)
	c.hold(0)
	c.until("another failover", allAt("leaf-2"))
	load.more(t, 50)
	load.end(t, c)
}
