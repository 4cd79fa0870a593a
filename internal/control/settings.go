package control

import (
	"context"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/order"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// set is SET GLOBAL of the cluster's own settings.
func (l *leader) set(ctx context.Context, a order.Setting) error {
	_, err := l.update(ctx, func(x *catalog.Txn) error {
		s := x.Settings()
		switch a.Name {
		case order.RedundancyLevel, order.CopyRate, order.BinlogKeepSeconds, order.BinlogKeepBytes:
			n, err := strconv.ParseInt(a.Value, 10, 64)
			if err != nil || !order.Fits(a.Name, n) {
				return refuse(1231, "Variable '%s' can't be set to the value of '%s'", a.Name, a.Value)
			}
			switch a.Name {
			case order.RedundancyLevel:
				s.Redundancy = int(n)
			case order.CopyRate:
				s.CopyRate = int(n)
			case order.BinlogKeepSeconds:
				s.BinlogKeepSeconds = n
			default:
				s.BinlogKeepBytes = n
			}
		case order.AutoAttach:
			s.AutoAttach = strings.EqualFold(a.Value, "ON") || a.Value == "1"
		case order.SingleTables:
			s.SingleTables = strings.EqualFold(a.Value, "ON")
		case order.DiskReserve, order.MemoryReserve:
			r, err := topo.ParseReserve(a.Value)
			if err != nil {
				return refuse(1231, "Variable '%s' can't be set to the value of '%s'", a.Name, a.Value)
			}
			if a.Name == order.DiskReserve {
				s.DiskReserve = r
			} else {
				s.MemoryReserve = r
			}
		default:
			return refuse(1193, "Unknown system variable '%s'", a.Name)
		}
		x.PutSettings(s)
		return nil
	})
	if err != nil {
		return err
	}
	return l.pair(ctx)
}
