package clients

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// transcript is what a program in Go prints.
type transcript struct{ strings.Builder }

func (o *transcript) show(what ...any) {
	for i, w := range what {
		switch v := w.(type) {
		case []byte:
			if len(v) > 200 {
				w = fmt.Sprintf("<%d bytes, %x>", len(v), sha256.Sum256(v))
			} else {
				w = fmt.Sprintf("%q", v)
			}
		case string:
			if len(v) > 200 {
				w = fmt.Sprintf("<%d characters, %x>", len(v), sha256.Sum256([]byte(v)))
			} else {
				w = fmt.Sprintf("%q", v)
			}
		case error:
			w = said(v)
		}
		if i > 0 {
			o.WriteByte(' ')
		}
		fmt.Fprint(o, w)
	}
	o.WriteByte('\n')
}

// said is what an error tells a program.
func said(err error) string {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return fmt.Sprintf("error %d (%s) %s", e.Number, e.SQLState[:], e.Message)
	}
	return err.Error()
}

// querier is a DB, a Conn, a Tx.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func (o *transcript) exec(ctx context.Context, q querier, query string, args ...any) {
	r, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		o.show(query, err)
		return
	}
	n, err := r.RowsAffected()
	if err != nil {
		o.show(query, err)
	}
	id, err := r.LastInsertId()
	if err != nil {
		o.show(query, err)
	}
	o.show(query, n, id)
}

func (o *transcript) query(ctx context.Context, q querier, query string, args ...any) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		o.show(query, err)
		return
	}
	o.show(query)
	o.rows(rows)
}

// rows prints all results.
func (o *transcript) rows(rows *sql.Rows) {
	defer rows.Close()
	for {
		types, err := rows.ColumnTypes()
		if err != nil {
			o.show(err)
			return
		}
		for _, t := range types {
			length, sized := t.Length()
			precision, scale, decimal := t.DecimalSize()
			null, known := t.Nullable()
			o.show(" column", t.Name(), t.DatabaseTypeName(), t.ScanType(), length, sized, precision, scale, decimal, null, known)
		}
		for rows.Next() {
			values, into := make([]any, len(types)), make([]any, len(types))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				o.show(" scan", err)
			}
			line := []any{" row"}
			for _, v := range values {
				if t, ok := v.(time.Time); ok {
					v = t.Format(time.RFC3339Nano)
				}
				line = append(line, reflect.TypeOf(v), v)
			}
			o.show(line...)
		}
		if err := rows.Err(); err != nil {
			o.show(" end", err)
		}
		if !rows.NextResultSet() {
			break
		}
		o.show(" next")
	}
	if err := rows.Err(); err != nil {
		o.show(" end", err)
	}
}

// config is one of go-sql-driver. Server-side prepared statements unless interpolate.
func config(s site, interpolate bool) *mysql.Config {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User, c.DBName = "tcp", s.address(), "root", s.db
	c.InterpolateParams, c.ParseTime, c.MultiStatements = interpolate, true, true
	c.Params = map[string]string{"sql_mode": "'STRICT_TRANS_TABLES,NO_ZERO_DATE'", "time_zone": "'+02:00'"}
	c.Loc = time.FixedZone("two", 2*60*60)
	return c
}

// The driver of Go, with parameters that it puts into the text itself and with prepared statements.
func TestGoSQLDriver(t *testing.T) {
	for _, interpolate := range []bool{false, true} {
		t.Run(fmt.Sprintf("interpolate=%v", interpolate), func(t *testing.T) {
			same(t, "gosql", 150, func(s site) (string, error) { return goSQL(t, config(s, interpolate)) })
		})
	}
}

func goSQL(t *testing.T, cfg *mysql.Config) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return "", err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	db.SetMaxOpenConns(3)
	if err := db.PingContext(ctx); err != nil {
		return "", err
	}
	o := &transcript{}
	o.query(ctx, db, "SELECT @@sql_mode, @@time_zone, DATABASE(), VERSION()")
	o.exec(ctx, db, `CREATE TABLE typed (id INT AUTO_INCREMENT PRIMARY KEY, i BIGINT, u BIGINT UNSIGNED, ti TINYINT, d DECIMAL(30,10), f DOUBLE, fl FLOAT, s VARCHAR(100), b BLOB, dt DATETIME(6),
		ts TIMESTAMP(3) NULL, day DATE, tm TIME(6), y YEAR, j JSON, e ENUM('x','ü'), st SET('a','b'), bits BIT(12), c CHAR(5))`)
	at := time.Date(2024, 2, 29, 23, 59, 59, 123456000, cfg.Loc)
	for _, row := range [][]any{
		{int64(-1 << 63), uint64(1<<64 - 1), -128, "12345678901234567890.0123456789", 1.5e-300, float32(0.1), "it's \\ \"q\" ? 😀", []byte{0, 255, '\'', 26}, at, at, at, "-30:00:00.25", 2024, `{"a": [1, null]}`,
			"ü", "a,b", []byte{15, 255}, "c"},
		make([]any, 18),
		{0, 0, false, -0.1, 0, 0, "", []byte{}, time.Date(9999, 12, 31, 0, 0, 0, 0, cfg.Loc), time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC), "1000-01-01", "838:59:59", "1901", []byte("[]"), "x", "", 5, ""},
	} {
		o.exec(ctx, db, "INSERT INTO typed (i, u, ti, d, f, fl, s, b, dt, ts, day, tm, y, j, e, st, bits, c) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row...)
	}
	o.query(ctx, db, "SELECT * FROM typed ORDER BY id")
	o.query(ctx, db, "SELECT * FROM typed WHERE id = ?", 1)
	o.query(ctx, db, "SELECT id FROM typed WHERE dt = ? OR s = ? OR b = ? ORDER BY id", at, "", []byte{0, 255, '\'', 26})
	o.query(ctx, db, "SELECT COUNT(*), SUM(d), AVG(f), MAX(dt), MIN(s) FROM typed WHERE id < ?", 100)

	o.exec(ctx, db, "CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL, v VARCHAR(20), KEY (k))")
	stmt, err := db.PrepareContext(ctx, "INSERT INTO t (k, v) VALUES (?, ?)")
	if err != nil {
		return "", err
	}
	for i := range 30 {
		r, err := stmt.ExecContext(ctx, i%7, fmt.Sprintf("v%d", i))
		if err != nil {
			return "", err
		}
		id, err := r.LastInsertId()
		if err != nil {
			return "", err
		}
		o.show("id", id)
	}
	if err := stmt.Close(); err != nil {
		return "", err
	}
	o.exec(ctx, db, "INSERT INTO t (k, v) VALUES (?, ?), (?, ?), (?, NULL)", 1, "a", 2, "b", 3)
	if stmt, err = db.PrepareContext(ctx, "SELECT v FROM t WHERE id = ?"); err != nil {
		return "", err
	}
	for id := range 40 {
		var v sql.NullString
		err := stmt.QueryRowContext(ctx, id).Scan(&v)
		o.show(id, v, errors.Is(err, sql.ErrNoRows))
	}
	if err := stmt.Close(); err != nil {
		return "", err
	}

	for _, options := range []*sql.TxOptions{nil, {Isolation: sql.LevelReadCommitted}, {Isolation: sql.LevelSerializable}, {ReadOnly: true}} {
		tx, err := db.BeginTx(ctx, options)
		if err != nil {
			return "", err
		}
		o.query(ctx, tx, "SELECT @@tx_isolation, @@in_transaction")
		o.exec(ctx, tx, "UPDATE t SET k = k + 100 WHERE id IN (1, 2, 3, 4, 5)")
		o.exec(ctx, tx, "DELETE FROM t WHERE id = ?", 6)
		o.exec(ctx, tx, "INSERT INTO t (id, k) VALUES (1, 1)")
		o.query(ctx, tx, "SELECT id, k FROM t WHERE id < 8 ORDER BY id")
		if err := tx.Rollback(); err != nil {
			return "", err
		}
		o.query(ctx, db, "SELECT id, k FROM t WHERE id < ? ORDER BY id", 8)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return "", err
	}
	for id := range 10 {
		o.exec(ctx, tx, "UPDATE t SET k = -k WHERE id = ?", id)
	}
	o.show("commit", tx.Commit() == nil, errors.Is(tx.Commit(), sql.ErrTxDone))
	o.query(ctx, db, "SELECT id, k FROM t WHERE id < ? ORDER BY k, id", 12)

	for _, q := range []string{
		"INSERT INTO t (id, k) VALUES (1, 1)", "SELECT * FROM nowhere", "SELECT nothing FROM t", "SELEKT 1", "INSERT INTO t (k) VALUES (NULL)", "INSERT INTO t (k, v) VALUES (1, REPEAT('x', 30))",
		"INSERT INTO typed (day) VALUES ('2023-02-29')", "INSERT INTO typed (ti) VALUES (128)", "INSERT INTO typed (j) VALUES ('{')", "DROP TABLE nowhere", "CREATE TABLE t (id INT)",
	} {
		o.exec(ctx, db, q)
	}
	o.exec(ctx, db, "INSERT INTO t (id, k) VALUES (?, ?)", 1, 1)
	o.query(ctx, db, "SELECT nothing FROM t WHERE id = ?", 1)
	if cfg.InterpolateParams { // prepared texts are one statement
		o.query(ctx, db, "SELECT ? AS one; SELECT id, k FROM t WHERE id < ? ORDER BY id; SELECT v FROM t WHERE id = 0", 1, 4)
	}
	o.query(ctx, db, "SELECT 1; INSERT INTO t (id, k) VALUES (2000, 1); SELECT id FROM t WHERE id >= 2000; SELECT * FROM nowhere; SELECT 3")

	o.exec(ctx, db, "CREATE TABLE large (id INT PRIMARY KEY, b LONGBLOB, s LONGTEXT)")
	big := make([]byte, 7<<20)
	for i := range big {
		big[i] = byte(i * i >> 7)
	}
	o.exec(ctx, db, "INSERT INTO large VALUES (?, ?, ?)", 1, big, strings.Repeat("ü'\\😀", 300_000))
	o.query(ctx, db, "SELECT b, s, MD5(b), CHAR_LENGTH(s) FROM large WHERE id = ?", 1)

	// A procedure's several results.
	o.exec(ctx, db, "CREATE PROCEDURE several (n INT, OUT o INT) BEGIN DECLARE w VARCHAR(9) DEFAULT 'é'; SELECT id, k FROM t WHERE id <= n ORDER BY id; SELECT n * 2 AS twice, w; UPDATE t SET v = w WHERE id <= n; SET o = ROW_COUNT(); END")
	o.query(ctx, db, "CALL several(?, @o)", 2)
	o.exec(ctx, db, "CALL several(?, @o)", 3)
	o.query(ctx, db, "CALL several(?)", 3)
	o.query(ctx, db, "BEGIN NOT ATOMIC DECLARE i INT DEFAULT 0; REPEAT SET i = i + 1; SELECT i; UNTIL i = 3 END REPEAT; SELECT * FROM nowhere; END")

	// One connection's state, and its being made new when it goes back to the pool.
	conn, err := db.Conn(ctx)
	if err != nil {
		return "", err
	}
	o.exec(ctx, conn, "SET @x = 7")
	o.exec(ctx, conn, "CREATE TEMPORARY TABLE mine (id INT PRIMARY KEY, v VARCHAR(5))")
	o.exec(ctx, conn, "INSERT INTO mine VALUES (?, ?)", 1, "x")
	o.query(ctx, conn, "SELECT @x, v FROM mine")
	if err := conn.Close(); err != nil {
		return "", err
	}
	short, end := context.WithTimeout(ctx, 50*time.Millisecond)
	defer end()
	_, err = db.ExecContext(short, "SELECT SLEEP(60)")
	o.show("slow", errors.Is(err, context.DeadlineExceeded))
	o.query(ctx, db, "SELECT TABLE_NAME, TABLE_TYPE, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME", cfg.DBName)
	o.exec(ctx, db, "DROP TABLE typed, t, large")
	o.show()
	o.WriteString(last)
	return o.String(), nil
}
