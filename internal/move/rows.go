package move

import (
	"context"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
)

// What follows is for those who keep rows elsewhere than at a leaf.

// AppendLine appends a row of a text answer, of that many columns, as LOAD DATA reads it with CHARACTER SET binary.
func AppendLine(buf, row []byte, columns int) ([]byte, error) { return line(buf, row, columns) }

// Travel is the type that values of a column must be cast to, to arrive as they were; "" for their own.
func Travel(dataType string) string { return travel[strings.ToLower(dataType)] }

// Identities are the numbers that InnoDB has given to a schema's tables, by their names in its files. They go with a table when it is renamed.
func Identities(ctx context.Context, c *backend.Conn, schema string) (map[string]string, error) {
	return (&source{conn: c, schema: schema}).identities(ctx)
}

// Undated is a table's definition without what writing changes of it.
func Undated(create string) string { return undated(create) }

// Limit keeps a stream to a rate that may change at any time.
type Limit struct{ limit }

// NewLimit asks for the rate, in bytes a second, again and again; 0 is no bound.
func NewLimit(rate func() int64) *Limit { return &Limit{limit{rate: rate}} }

// Spend counts bytes, and waits until they were allowed.
func (l *Limit) Spend(ctx context.Context, bytes int) error { return l.spend(ctx, bytes) }
