package mariadb

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// eventColumns are those of mysql.event in the order in which they are read and written here, last_executed and originator excepted.
const eventColumns = "name, body, body_utf8, definer, execute_at, starts, ends, interval_value, interval_field, status, on_completion, comment, sql_mode, time_zone, character_set_client, collation_connection, db_collation"

// ReadEvents reads a schema's events as a server has them, over a connection of the cluster's. Their IDs and versions are not the server's to tell, nor whether they are run: it keeps all as SLAVESIDE_DISABLED
// but those that it has disabled itself.
func ReadEvents(ctx context.Context, c *backend.Conn, schema string) ([]*topo.Event, error) {
	res, err := c.Query(ctx, "SELECT "+eventColumns+", UNIX_TIMESTAMP(created), UNIX_TIMESTAMP(modified) FROM mysql.event WHERE db = "+lit(schema)+" ORDER BY name")
	if err != nil {
		return nil, err
	}
	var out []*topo.Event
	for _, r := range res.Rows {
		e := &topo.Event{
			DB: schema, Name: string(r[0]), Body: r[1], Text: r[2], Definer: string(r[3]), At: string(r[4]), Starts: string(r[5]), Ends: string(r[6]), Every: string(r[7]), Unit: string(r[8]),
			Status: topo.EventStatus(r[9]), Preserve: string(r[10]) == "PRESERVE", Comment: string(r[11]), SQLMode: string(r[12]), TimeZone: string(r[13]), CharacterSet: string(r[14]),
			CollationConnection: string(r[15]), Collation: string(r[16]),
		}
		for i, to := range []*int64{&e.Created, &e.Modified} {
			if *to, err = strconv.ParseInt(string(r[17+i]), 10, 64); err != nil {
				return nil, fmt.Errorf("leaf %s, event %s.%s: %w", c.Leaf(), schema, e.Name, err)
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// EventName is the name by which a server keeps an event, which may be looked for in another case; "" when it has none.
func EventName(ctx context.Context, c *backend.Conn, schema, name string) (string, error) {
	res, err := c.Query(ctx, "SELECT name FROM mysql.event WHERE db = "+lit(schema)+" AND name = "+lit(name))
	if err != nil || len(res.Rows) == 0 {
		return "", err
	}
	return string(res.Rows[0][0]), nil
}

// AlignEvents gives a server's schema just these events, over a connection of the cluster's, none of which the server will run. What the session has set is changed. Nothing of it is logged.
//
// They are written as rows of mysql.event: the times at which they were made, and the numbers of compound intervals, no statement would bring back as they were. The server's own scheduler learns of no row.
func AlignEvents(ctx context.Context, c *backend.Conn, schema string, events []*topo.Event) error {
	for _, sql := range []string{"SET SESSION sql_log_bin=0, sql_mode='ALLOW_INVALID_DATES', time_zone='+00:00'", "SET NAMES utf8mb4"} {
		if _, err := c.Query(ctx, sql); err != nil {
			return err
		}
	}
	var names []string
	for _, e := range events {
		names = append(names, lit(e.Name))
		values := []string{
			lit(schema), lit(e.Name), hexed(e.Body), hexed(e.Text), lit(e.Definer), orNull(e.At), orNull(e.Starts), orNull(e.Ends), orNull(e.Every), orNull(e.Unit), lit(string(topo.EventOnSlave)),
			lit("DROP"), lit(e.Comment), lit(e.SQLMode), lit(e.TimeZone), orNull(e.CharacterSet), orNull(e.CollationConnection), orNull(e.Collation),
			"FROM_UNIXTIME(" + strconv.FormatInt(e.Created, 10) + ")", "FROM_UNIXTIME(" + strconv.FormatInt(e.Modified, 10) + ")", "1",
		}
		if e.Preserve {
			values[11] = lit("PRESERVE")
		}
		if e.Text == nil {
			values[3] = "NULL"
		}
		if _, err := c.Query(ctx, "REPLACE INTO mysql.event (db, "+eventColumns+", created, modified, originator) VALUES ("+strings.Join(values, ", ")+")"); err != nil {
			return err
		}
	}
	sql := "DELETE FROM mysql.event WHERE db = " + lit(schema)
	if len(names) > 0 {
		sql += " AND name NOT IN (" + strings.Join(names, ", ") + ")"
	}
	_, err := c.Query(ctx, sql)
	return err
}

func hexed(b []byte) string {
	if len(b) == 0 {
		return "''"
	}
	return "x'" + hex.EncodeToString(b) + "'"
}

func orNull(v string) string {
	if v == "" {
		return "NULL"
	}
	return lit(v)
}
