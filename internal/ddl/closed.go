package ddl

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/catalog"
	"github.com/orbweaver/orbweaver/internal/rekey"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// shutWait bounds the wait for statements and transactions before the table is opened once more: one of those that are waited for may itself wait for the table to be open.
const shutWait = time.Second

// alone closes the statement's tables at all nodes and locks them at all partitions, once nobody is there whom they are closed to. Between two attempts they are as closed as otherwise says.
// 1205: somebody is there for too long.
func (j *job) alone(ctx context.Context, closed, otherwise topo.Closed, mode string) (map[place]*backend.Conn, error) {
	for began := time.Now(); ; {
		conns, err := j.shut(ctx, closed, mode)
		if err == nil {
			return conns, nil
		}
		if !lockWaited(err) || time.Since(began) > lockWait*time.Second {
			return nil, err
		}
		if _, err := j.setClosed(ctx, otherwise); err != nil {
			return nil, err
		}
		pause(ctx, nil)
	}
}

// shut is one attempt of alone.
func (j *job) shut(ctx context.Context, closed topo.Closed, mode string) (map[place]*backend.Conn, error) {
	if err := j.step("close to " + string(closed)); err != nil {
		return nil, err
	}
	rev, err := j.setClosed(ctx, closed)
	if err != nil {
		return nil, err
	}
	if err := j.drained(ctx, rev); err != nil {
		return nil, err
	}
	conns := map[place]*backend.Conn{}
	for _, p := range j.todo.Places {
		if conns[p], err = j.own(ctx, p, p.Schema); err != nil {
			delete(conns, p)
			release(conns)
			return nil, err
		}
	}
	var names []string
	for _, n := range j.todo.Tables {
		names = append(names, id(n)+" "+mode)
	}
	_, err = each(j.todo.Places, func(p place) error {
		if err := j.step("lock at " + p.Leaf + "/" + p.Schema); err != nil {
			return err
		}
		prepare := "DO 0"
		if mode == "READ" {
			prepare = rekey.Reading
		}
		// Without autocommit InnoDB locks the table, too: against branches that were found after a crash, which hold no lock of MariaDB's.
		for _, sql := range []string{prepare, "SET autocommit=0, innodb_lock_wait_timeout=1", "LOCK TABLES " + strings.Join(names, ", ") + " WAIT 1"} {
			if _, err := conns[p].Query(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		release(conns)
		return nil, err
	}
	return conns, nil
}

// drained waits until no statement is inside of the table that it is closed to since a revision of the topology.
func (j *job) drained(ctx context.Context, rev int64) error {
	if j.cfg.Seen == nil {
		return nil
	}
	for began := time.Now(); ; {
		undrained, err := j.cfg.Seen(ctx, rev)
		if err != nil || !undrained[topo.PartitionID{DB: j.todo.DB, Ordinal: topo.TablesOrdinal}] {
			return unavailable(err)
		}
		if time.Since(began) > shutWait {
			return refuse(erLockWait, "HY000", "Lock wait timeout exceeded; statements on table '%s' are under way for longer than %s", j.todo.Tables[0], strconv.Itoa(lockWait)+" s")
		}
		pause(ctx, nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// setClosed closes the statement's tables, or opens them. It gives the revision of the topology from which on it is so.
func (j *job) setClosed(ctx context.Context, closed topo.Closed) (rev int64, err error) {
	rev, err = j.cfg.Catalog.Update(j.answered(ctx), func(x *catalog.Txn) error {
		x.Hold(j.lock)
		for _, name := range j.todo.Tables {
			if t := x.Table(j.todo.DB, name); t != nil && t.Closed != closed {
				c := *t
				c.Closed = closed
				x.PutTable(&c)
			}
		}
		return nil
	})
	return rev, unavailable(err)
}
