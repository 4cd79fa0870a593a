package gateway

import (
	"context"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

func (s *session) explainCluster(ctx context.Context, c *sqltext.Cluster, snap *topo.Snapshot, src source) error {
	return unsupported("EXPLAIN "+c.Verb, "")
}
