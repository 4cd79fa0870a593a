package gateway

import (
	"bytes"
	"slices"

	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/plan"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// defaultOutput tells clients of columns that sequences give values to what the table says of them: that they have a default, which partitions have not.
type defaultOutput struct {
	exec.Output
	of   []plan.DrawnColumn
	defs int // definitions still to come; -1 before the head
	buf  []byte
}

// Packet follows the head of a result.
func (d *defaultOutput) Packet(p []byte) error {
	switch {
	case d.defs < 0:
		d.defs = 0
		if n, follow, err := wire.ParseColumnCount(p, d.Caps()); err == nil && follow {
			d.defs = n
		}
	case d.defs > 0:
		d.defs--
		var c wire.Column
		if err := wire.ParseColumn(bytes.Clone(p), d.Caps(), &c); err != nil {
			return err
		}
		if c.Flags&wire.FlagNoDefault != 0 && slices.Contains(d.of, plan.DrawnColumn{DB: string(c.Schema), Table: string(c.OrgTable), Column: string(c.OrgName)}) {
			c.Flags &^= wire.FlagNoDefault
			d.buf = wire.AppendColumn(d.buf[:0], d.Caps(), &c)
			return d.Output.Packet(d.buf)
		}
	}
	return d.Output.Packet(p)
}
