package mariadb

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// ErrTriggerText: a trigger's text has characters that its character_set_client would have to be known for.
var ErrTriggerText = errors.New("the text has characters beyond ASCII, and was not written in UTF-8")

// Triggers are those of a schema's tables as a server has them, over a connection of the cluster's: by table, each table's in the order of topo.Table. What package trigger fills in
// is not told. With ErrTriggerText all of them are told, too, for those who want to be rid of one.
func Triggers(ctx context.Context, c *backend.Conn, schema string) (map[string][]topo.Trigger, error) {
	// A time of day may be two moments elsewhere.
	res, err := c.Query(ctx, "SET STATEMENT time_zone='+00:00' FOR SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, DEFINER, UNIX_TIMESTAMP(CREATED) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = "+lit(schema)+
		" ORDER BY EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_TIMING DESC, ACTION_ORDER")
	if err != nil {
		return nil, err
	}
	out := map[string][]topo.Trigger{}
	var unread error
	for _, row := range res.Rows {
		t := topo.Trigger{Name: string(row[0]), Timing: string(row[2]), Event: string(row[3]), Definer: string(row[4]), Created: string(row[5])}
		show, err := c.Query(ctx, "SHOW CREATE TRIGGER "+id(schema)+"."+id(t.Name))
		if err != nil {
			return nil, err
		}
		r := show.Rows[0]
		t.SQLMode, t.Text, t.Charset, t.Collation = string(r[1]), string(r[2]), string(r[3]), string(r[4])
		for i := 0; i < len(t.Text); i++ {
			if t.Text[i] >= utf8.RuneSelf && (t.Charset != "utf8mb3" && t.Charset != "utf8mb4" || !utf8.ValidString(t.Text)) {
				unread = fmt.Errorf("%w: trigger %s.%s", ErrTriggerText, schema, t.Name)
			}
		}
		out[string(row[1])] = append(out[string(row[1])], t)
	}
	return out, unread
}

// MakeTriggers makes triggers of tables of a database, db, in one of its schemas, over a connection of the cluster's that has it as its default
// database. What the session has set is changed.
func MakeTriggers(ctx context.Context, c *backend.Conn, db, schema string, triggers []topo.Trigger) error {
	triggers = topo.At(triggers, db, schema)
	for i := range triggers {
		t := &triggers[i]
		moment := "DEFAULT"
		if t.Created != "" {
			moment = t.Created
		}
		for _, sql := range []string{"SET SESSION sql_mode=" + lit(t.SQLMode), "SET timestamp=" + moment, "SET character_set_client=" + t.Charset, "SET collation_connection=" + t.Collation, t.In(db, schema)} {
			if _, err := c.Query(ctx, sql); err != nil {
				return err
			}
		}
		if _, err := c.Query(ctx, "SET NAMES utf8mb4"); err != nil {
			return err
		}
		if _, err := c.Query(ctx, "SET SESSION sql_mode='', timestamp=DEFAULT"); err != nil {
			return err
		}
	}
	return nil
}
