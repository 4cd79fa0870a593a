package move

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/rowtext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// chunk is how much is gathered before it is sent to the target.
const chunk = 256 << 10

// pump moves rows, and knows how many and how fast.
type pump struct {
	limit    *Limit
	courtesy *Courtesy // nil: none is asked for
	rows     int64
	tell     func(rows int64)
}

// table streams one table's rows, into an empty table.
func (p *pump) table(ctx context.Context, src *source, target *backend.Conn, t table) error {
	// A server without unique_checks fills an empty table in bulk, and hangs for good when anybody reads it meanwhile (seen with MariaDB 10.11.19), as a node
	// may that does not know better. Behind this lock they wait.
	lock := "LOCK TABLES " + id(t.name) + " WRITE"
	if _, err := run(ctx, target, lock); err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUp)
		defer cancel()
		_, _ = run(ctx, target, "UNLOCK TABLES") // a connection that is lost holds no locks
	}()
	if err := p.instants(ctx, src, target, t); err != nil {
		return err
	}
	for i, s := range t.passages() {
		if i > 0 { // it is LOCK TABLES that finds the history partition to go on in
			if _, err := run(ctx, target, lock); err != nil {
				return err
			}
		}
		if err := p.pass(ctx, src, target, t, s); err != nil {
			return err
		}
	}
	return nil
}

// pass streams a part of a table: the source's row packets become lines of LOAD DATA.
func (p *pump) pass(ctx context.Context, src *source, target *backend.Conn, t table, s passage) error {
	var names, exprs, sets []string
	numbers := slices.ContainsFunc(t.columns, func(c column) bool { return c.number })
	for i, c := range t.columns {
		name := id(c.name)
		exprs = append(exprs, c.expr())
		switch v := fmt.Sprintf("@c%d", i); {
		case c.number:
			sets = append(sets, name+" = CAST("+v+" AS UNSIGNED)")
			name = v
		case c.auto && numbers: // MariaDB gives a number to the row with 0 when there is a SET without the column
			sets = append(sets, name+" = "+v)
			name = v
		}
		names = append(names, name)
	}
	if len(names) == 0 { // all is generated
		names, exprs = []string{"@none"}, []string{"1"}
	}
	set := ""
	if len(sets) > 0 {
		set = " SET " + strings.Join(sets, ", ")
	}
	if err := src.conn.Send(wire.ComQuery, []byte("SELECT "+strings.Join(exprs, ", ")+" FROM "+id(src.schema)+"."+id(t.name)+s.of+s.where)); err != nil {
		return err
	}
	stopSource := src.conn.Watch(ctx)
	err := p.load(ctx, src.conn, target, "LOAD DATA LOCAL INFILE 'rows' INTO TABLE "+id(t.name)+s.to+" CHARACTER SET binary ("+strings.Join(names, ", ")+")"+set, len(names))
	if stopSource() && err == nil {
		err = ctx.Err()
	}
	return err
}

func (p *pump) load(ctx context.Context, from, target *backend.Conn, sql string, columns int) error {
	if err := target.Send(wire.ComQuery, []byte(sql)); err != nil {
		return err
	}
	stop := target.Watch(ctx)
	defer stop()
	pkt, err := target.Next()
	if err != nil {
		return err
	}
	if pkt.Kind != backend.KindInfile {
		if e := pkt.Err(); e != nil {
			return e
		}
		return fmt.Errorf("leaf %s did not ask for the rows", target.Leaf())
	}
	copied := p.copy(ctx, from, target, columns)
	// The target waits for the end of the data also when there is an error: a transaction rolls back what came.
	if err := target.SendData(nil); err != nil {
		return err
	}
	if pkt, err = target.Next(); err != nil {
		return err
	}
	if copied != nil {
		return copied
	}
	if e := pkt.Err(); e != nil {
		return e
	}
	// Warnings are no failure: an ENUM's error value gives one. The checksums decide.
	return nil
}

func (p *pump) copy(ctx context.Context, from, target *backend.Conn, columns int) error {
	buf := make([]byte, 0, chunk+64<<10)
	told := time.Now()
	began := told
	for {
		pkt, err := from.Next()
		if err != nil {
			return err
		}
		switch pkt.Kind {
		case backend.KindErr:
			return pkt.Err()
		case backend.KindRow:
			if buf, err = rowtext.AppendLine(buf, pkt.Payload, columns); err != nil {
				return err
			}
			p.rows++
		}
		if len(buf) >= chunk || from.Done() && len(buf) > 0 {
			if err := target.SendData(buf); err != nil {
				return err
			}
			sent := len(buf)
			buf = buf[:0]
			if time.Since(told) > 200*time.Millisecond {
				told = time.Now()
				p.tell(p.rows)
			}
			if err := p.limit.Spend(ctx, sent); err != nil {
				return err
			}
			if p.courtesy != nil && !p.limit.bound() {
				p.courtesy.Rest(ctx, time.Since(began))
			}
			began = time.Now()
		}
		if from.Done() {
			return nil
		}
	}
}
