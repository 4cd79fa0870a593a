package move

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
)

// compare looks at a table on both sides: the source in its snapshot, the target before anything else is done to it. CHECKSUM TABLE sums up
// what is left in memory of virtual columns that somebody has read (MariaDB 10.11.19): where the sums differ the values decide.
func compare(ctx context.Context, src *source, target *backend.Conn, t table) error {
	sums, err := both(ctx, src, target, "CHECKSUM TABLE "+id(src.schema)+"."+id(t.name)+" EXTENDED", 1)
	if err == nil && (sums[0] != sums[1] || sums[0] == "") {
		sums, err = both(ctx, src, target, t.digest(src.schema), 0)
	}
	if err != nil {
		return err
	}
	if sums[0] != sums[1] || sums[0] == "" {
		return fmt.Errorf("%w: checksums %s and %s", ErrDiffers, sums[0], sums[1])
	}
	return nil
}

// both asks the source and the target for the same, at the same time: one column of one row. NULL is "".
func both(ctx context.Context, src *source, target *backend.Conn, sql string, column int) (answers [2]string, err error) {
	ask := func(c *backend.Conn, i int) error {
		res, err := run(ctx, c, sql)
		if err == nil {
			answers[i] = string(res.Rows[0][column])
		}
		return err
	}
	done := make(chan error, 1)
	go func() { done <- ask(src.conn, 0) }()
	err = ask(target, 1)
	return answers, errors.Join(err, <-done)
}

// digest is a query for the number of rows and a sum over all values that are stored, in whatever order they are; NULL when a row is too large for it.
func (t *table) digest(schema string) string {
	values := []string{"''"}
	for _, c := range t.columns {
		values = append(values, "QUOTE("+c.expr()+")")
	}
	row := "MD5(CONCAT(" + strings.Join(values, ", ',', ") + "))"
	half := func(from string) string {
		return "BIT_XOR(CAST(CONV(SUBSTR(d, " + from + ", 16), 16, 10) AS UNSIGNED))"
	}
	return "SELECT IF(COUNT(*) = COUNT(d), CONCAT(COUNT(*), ' ', " + half("1") + ", ' ', " + half("17") + ", ' ', COALESCE(SUM(CRC32(d)), 0)), NULL) FROM (SELECT " + row + " d FROM " +
		id(schema) + "." + id(t.name) + t.everything() + ") rows_"
}
