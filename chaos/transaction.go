package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"regexp"
	"time"

	"github.com/go-sql-driver/mysql"
)

// transaction is one on a connection of its own; err is of the first statement that failed.
type transaction struct {
	t    *tally
	st   *story
	what string // for messages
	conn *sql.Conn
	err  error
	// committing: the statement that failed was the COMMIT.
	committing bool
	open       bool
	ctx        context.Context
	c          *cluster
}

// within runs one at a node: do's statements, from the one that begins it on. A COMMIT that is not said is a ROLLBACK. The outcome is that of all of it.
func (c *cluster) within(t *tally, n *node, db *sql.DB, what string, do func(x *transaction)) (x *transaction) {
	began := time.Now()
	x = &transaction{t: t, st: c.story, what: what + " at " + n.name, c: c}
	defer func() {
		o := "done"
		if x.err != nil {
			o = []string{"done", "failed", "unknown"}[x.outcome()]
		}
		t.count(what+" "+o, time.Since(began), x.err)
	}()
	x.limited(func() { x.conn, x.err = db.Conn(x.ctx) })
	if x.err != nil {
		return x
	}
	defer x.conn.Close() // gives it back; there is nothing to be told
	do(x)
	if x.open {
		err := x.err
		x.err = nil
		x.exec("ROLLBACK")
		if x.err != nil || !refusedBy(err) && err != nil {
			_ = x.conn.Raw(func(any) error { return driver.ErrBadConn }) // closes it: what it carries is unknown
		}
		x.err = err
	}
	return x
}

// refusedBy says whether a server said it.
func refusedBy(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused)
}

// limited gives a statement its time.
func (x *transaction) limited(do func()) {
	began := time.Now()
	var cancel context.CancelFunc
	x.ctx, cancel = context.WithTimeout(context.Background(), statementIn)
	defer cancel()
	do()
	if x.ctx.Err() != nil {
		x.c.dump()
		x.st.fail("%s: no answer after %s: %v", x.what, time.Since(began).Round(time.Millisecond), x.err)
	}
}

// begin begins it, in these words.
func (x *transaction) begin(text string) {
	x.exec(text)
	x.open = x.err == nil
}

func (x *transaction) exec(text string, args ...any) (affected int64) {
	if x.err != nil {
		return 0
	}
	x.limited(func() {
		var res sql.Result
		if res, x.err = x.conn.ExecContext(x.ctx, text, args...); x.err == nil {
			affected, x.err = res.RowsAffected()
		}
	})
	return affected
}

// rows reads an answer as text.
func (x *transaction) rows(text string, args ...any) (out [][]string) {
	if x.err != nil {
		return nil
	}
	x.limited(func() { out, x.err = texts(x.ctx, x.conn, text, args...) })
	return out
}

// ints reads the numbers of all rows.
func (x *transaction) ints(text string, args ...any) (out []int64) {
	if x.err != nil {
		return nil
	}
	x.limited(func() { out, x.err = ints(x.ctx, x.conn, text, args...) })
	return out
}

func (x *transaction) commit() {
	if x.err != nil {
		return
	}
	x.committing = true
	x.exec("COMMIT")
	x.open = false
	if x.err != nil && !refusedBy(x.err) {
		_ = x.conn.Raw(func(any) error { return driver.ErrBadConn })
	}
}

// outcome is what is known of what it wrote.
func (x *transaction) outcome() outcome {
	var refused *mysql.MySQLError
	var op *net.OpError
	switch {
	case x.err == nil:
		return done
	case !x.committing: // it died with its connection, if not before
		return failed
	case errors.As(x.err, &refused):
		if refused.Number == 12701 || refused.Number == 1180 {
			return unknown
		}
		return failed
	case errors.As(x.err, &op) && op.Op == "dial":
		return failed
	}
	return unknown
}

var transactionID = regexp.MustCompile(`\b[0-9a-f]+-[0-9a-f]{8,}\b`)

// id is what an error calls the transaction, whose status can be asked for; "" when it says nothing.
func (x *transaction) id() string {
	var refused *mysql.MySQLError
	if errors.As(x.err, &refused) {
		return transactionID.FindString(refused.Message)
	}
	return ""
}

// querier is a pool or one connection.
type querier interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// texts reads all rows of an answer, NULL as "".
func texts(ctx context.Context, db querier, text string, args ...any) (out [][]string, err error) {
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		row, to := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range row {
			to[i] = &row[i]
		}
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		line := make([]string, len(row))
		for i, v := range row {
			line[i] = v.String
		}
		out = append(out, line)
	}
	return out, rows.Err()
}
