package tpch

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"
)

var loads atomic.Int64

// Load makes the tables in a connection's default database, and fills them by LOAD DATA LOCAL. done is told of each; nil is fine.
func Load(ctx context.Context, c *sql.Conn, d Data, l Layout, done func(table string, rows int64)) error {
	for _, table := range Tables {
		if _, err := c.ExecContext(ctx, l.Create(table)); err != nil {
			return fmt.Errorf("making %s: %w", table, err)
		}
		n, err := fill(ctx, c, d, table)
		if err != nil {
			return fmt.Errorf("filling %s: %w", table, err)
		}
		if done != nil {
			done(table, n)
		}
	}
	for _, table := range Tables {
		rows, err := c.QueryContext(ctx, "ANALYZE TABLE "+table)
		if err != nil {
			return fmt.Errorf("analyzing %s: %w", table, err)
		}
		for rows.Next() {
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return fmt.Errorf("analyzing %s: %w", table, err)
		}
	}
	return nil
}

func fill(ctx context.Context, c *sql.Conn, d Data, table string) (int64, error) {
	name := fmt.Sprintf("tpch %s %d", table, loads.Add(1))
	r, w := io.Pipe()
	defer r.Close()
	go func() { w.CloseWithError(d.Write(w, table)) }()
	mysql.RegisterReaderHandler(name, func() io.Reader { return r })
	defer mysql.DeregisterReaderHandler(name)
	res, err := c.ExecContext(ctx, "LOAD DATA LOCAL INFILE 'Reader::"+name+"' INTO TABLE "+table)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Rows runs a query and gives its rows in text.
func Rows(ctx context.Context, c *sql.Conn, query string) ([]string, error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	cells, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range cells {
		into[i] = &cells[i]
	}
	var out []string
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		line := ""
		for i, c := range cells {
			if i > 0 {
				line += "|"
			}
			if c == nil {
				c = []byte("NULL")
			}
			line += string(c)
		}
		out = append(out, line)
	}
	return out, rows.Err()
}
