package backend

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// erNoRight is ER_SPECIFIC_ACCESS_DENIED_ERROR.
const erNoRight = 1227

// shownAfter is for how long InnoDB may show an old list of its transactions; longer while somebody looks at it more often than that.
const shownAfter = 110 * time.Millisecond

// Outlive waits until other connections of the same server, closed or killed before, are in no transaction any more. A branch of an XA transaction that one
// of them has prepared can be ended by others from then on, and only from then on: a server whose client has gone gives the branch free a moment before InnoDB
// lets go of it, and an XA COMMIT that comes in between is answered with OK, is logged, and commits nothing (seen on 10.11.19: 1 in 100 of those that were sent at once).
//
// The connection must be in no transaction itself.
func (c *Conn) Outlive(ctx context.Context, threads ...uint64) error {
	if len(threads) == 0 {
		return nil
	}
	ids := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(threads)), ","), "[]")
	// What InnoDB shows is new if it shows this very statement.
	if _, err := c.Query(ctx, "START TRANSACTION WITH CONSISTENT SNAPSHOT"); err != nil {
		return err
	}
	err := c.outlive(ctx, ids)
	var refused *wire.ServerError
	if errors.As(err, &refused) && refused.Code == erNoRight { // a remote server's account need not have it
		err = c.unlisted(ctx, ids)
	}
	if c.Broken() {
		return err
	}
	_, end := c.Query(context.WithoutCancel(ctx), "COMMIT")
	return errors.Join(err, end)
}

func (c *Conn) outlive(ctx context.Context, ids string) error {
	for n, old := 0, 0; old < 4; n++ { // others look at it, too: then time must do
		res, err := c.Query(ctx, fmt.Sprintf("SELECT COALESCE(SUM(trx_query LIKE '%%outlive %d.%d,%%'), 0), COALESCE(SUM(trx_mysql_thread_id IN (%s)), 0) FROM information_schema.INNODB_TRX",
			c.thread, n, ids))
		if err != nil {
			return err
		}
		shown, attached := string(res.Rows[0][0]) != "0", string(res.Rows[0][1]) != "0"
		switch {
		case shown && !attached:
			return nil
		case !attached:
			old++
		}
		if err := wait(ctx, shownAfter); err != nil {
			return err
		}
	}
	return nil
}

// unlisted waits until connections are gone from the server's list, which they are a moment before they have ended.
func (c *Conn) unlisted(ctx context.Context, ids string) error {
	for {
		res, err := c.Query(ctx, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID IN ("+ids+")")
		if err != nil {
			return err
		}
		if err := wait(ctx, shownAfter); err != nil {
			return err
		}
		if string(res.Rows[0][0]) == "0" {
			return nil
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
