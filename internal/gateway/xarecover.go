package gateway

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// xaRecover is XA RECOVER: a leaf's own answer, with the clients' transactions of the whole cluster in the place of the leaf's branches.
func (s *session) xaRecover(ctx context.Context, w *worker, inSQL bool, src source) error {
	all, err := s.decisions(ctx)
	if err != nil {
		return err
	}
	e := &edited{Output: src.out, prepared: src.prepared, row: func(v [][]byte) ([][]byte, bool) { return v, false }}
	e.last = func() (rows [][][]byte) {
		for _, d := range all {
			if d.XA == nil || d.Outcome != catalog.Prepared {
				continue
			}
			data := append(append([]byte{}, d.XA.Gtrid...), d.XA.Bqual...)
			if inSQL {
				data = xidSQL(d.XA)
			}
			rows = append(rows, [][]byte{e.integer(0, d.XA.Format), e.integer(1, int64(len(d.XA.Gtrid))), e.integer(2, int64(len(d.XA.Bqual))), data})
		}
		return rows
	}
	src.out = e
	return s.forwardAny(ctx, w, s.g.cfg.Catalog.Snapshot(), src)
}

// xidSQL is an XID as XA statements take it, the way MariaDB writes it.
func xidSQL(x *catalog.XID) []byte {
	plain := true
	for _, c := range append(append([]byte{}, x.Gtrid...), x.Bqual...) {
		plain = plain && (c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || strings.IndexByte(" -_", c) >= 0)
	}
	part := func(dst, b []byte) []byte {
		if plain {
			return fmt.Appendf(dst, "'%s'", b)
		}
		return fmt.Appendf(dst, "X'%x'", b)
	}
	out := part(nil, x.Gtrid)
	if len(x.Bqual) > 0 || x.Format != 1 {
		out = part(append(out, ','), x.Bqual)
	}
	if x.Format != 1 {
		out = strconv.AppendInt(append(out, ','), x.Format, 10)
	}
	return out
}

// integer is a number as column i of an answer has it.
func (e *edited) integer(i int, n int64) []byte {
	if !e.prepared {
		return strconv.AppendInt(nil, n, 10)
	}
	b := binary.LittleEndian.AppendUint64(nil, uint64(n))
	switch e.types[i] {
	case wire.TypeLong, wire.TypeInt24:
		return b[:4]
	case wire.TypeShort:
		return b[:2]
	case wire.TypeTiny:
		return b[:1]
	}
	return b
}
