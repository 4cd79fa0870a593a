package gateway

import (
	"context"
	"time"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// giveUpEvery is how often leaves with full disks are looked at.
const giveUpEvery = time.Second

// followFullDisks gives up what hangs at leaves whose disks are full. MariaDB would keep it until somebody has made room there, and with it the clients and their
// connections, of which there would be none left for queries. Whether it takes effect then is unknown.
func (g *Gateway) followFullDisks() {
	tick := time.NewTicker(giveUpEvery)
	defer tick.Stop()
	for {
		select {
		case <-g.done:
			return
		case <-tick.C:
		}
		for name, l := range g.cfg.Catalog.Snapshot().Leaves {
			if l.Disk.Full && (l.State == topo.LeafOnline || l.State == topo.LeafAttaching) {
				g.giveUp(name)
			}
		}
	}
}

func (g *Gateway) giveUp(leaf string) {
	ctx, cancel := context.WithTimeout(g.ctx, answersWithin)
	defer cancel()
	threads, err := g.guard.servers.Stuck(ctx, leaf, g.cfg.FailoverWait)
	if err != nil {
		return // with the next tick
	}
	n := 0
	for _, thread := range threads {
		if g.cfg.Pools.Cut(leaf, thread) {
			n++
		}
	}
	if n > 0 {
		g.cfg.Log.Warn("statements were given up that wait for room on a leaf's disk", "leaf", leaf, "statements", n)
	}
}
