package control

import (
	"context"
	"strings"

	"github.com/orbweaver/orbweaver/internal/topo"
)

// unevenRecord are the records of leaves that were attached and have not got their share of masters yet.
const unevenRecord = "uneven/"

// owe notes that a leaf is to get its share of masters, or that it has it.
func (l *leader) owe(ctx context.Context, leaf string, owed bool) error {
	var doc []byte
	if owed {
		doc = []byte("{}")
	}
	return l.node.SaveProcedure(ctx, unevenRecord+leaf, doc)
}

// shares gives leaves their share of masters that did not get it when they were attached: a master could not be moved, or the controller was lost.
func (l *leader) shares(ctx context.Context) {
	for key := range l.cat.Procedures() {
		leaf, ok := strings.CutPrefix(key, unevenRecord)
		if !ok {
			continue
		}
		l.begin("share of "+leaf, func(ctx context.Context) {
			if err := l.share(ctx, leaf); err != nil && ctx.Err() == nil {
				l.log.Info("control: a leaf has not got its share of masters yet", "leaf", leaf, "error", err)
			}
		})
	}
}

func (l *leader) share(ctx context.Context, leaf string) error {
	end, ok := l.tryTake("attaching " + leaf)
	if !ok {
		return nil // it is under way
	}
	defer end()
	if x := l.cat.Snapshot().Leaves[leaf]; x != nil && x.State == topo.LeafAttaching {
		return nil
	}
	if err := l.missed(ctx, leaf, 0, true); err != nil {
		return err
	}
	return l.owe(ctx, leaf, false) // one that is away gets its share when it is back
}
