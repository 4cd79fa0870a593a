package rowtext

import (
	"strings"

	"github.com/orbweaver/orbweaver/internal/wire"
)

// Reading makes a session one to read rows with. With its binary log on, MariaDB would not let go of tables at a rollback to a savepoint.
const Reading = "SET SESSION sql_log_bin=0, sql_mode='', time_zone='+00:00', sql_quote_show_create=1, character_set_results=NULL, net_write_timeout=3600, max_statement_time=0"

// AppendLine appends a row of a text answer, of that many columns, as LOAD DATA reads it with CHARACTER SET binary: tabs between values, \N for NULL.
func AppendLine(buf, row []byte, columns int) ([]byte, error) {
	r := wire.TextRow(row)
	for i := range columns {
		if i > 0 {
			buf = append(buf, '\t')
		}
		v, null, ok := r.Next()
		if !ok {
			return nil, wire.ErrMalformed
		}
		if null {
			buf = append(buf, '\\', 'N')
			continue
		}
		for _, b := range v {
			switch b {
			case '\\', '\t', '\n':
				buf = append(buf, '\\', b)
			case 0:
				buf = append(buf, '\\', '0')
			default:
				buf = append(buf, b)
			}
		}
	}
	return append(buf, '\n'), nil
}

// travel are the types whose own text would not arrive as it was: FLOAT's is rounded, ENUM's and SET's may stand for two values (ENUM has an error value with
// the text of an empty member), the others are read from bytes where there is no character set.
var travel = map[string]string{
	"float": "DOUBLE", "inet4": "BINARY(4)", "inet6": "BINARY(16)", "uuid": "BINARY(16)", "enum": "UNSIGNED", "set": "UNSIGNED",
}

// Travel is the type that values of a column must be cast to, to arrive as they were; "" for their own.
func Travel(dataType string) string { return travel[strings.ToLower(dataType)] }
