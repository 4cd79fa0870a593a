package gateway

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/compound"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// The diagnostics area is the session's warnings, and a program's conditions while it runs: they go from one to the other, with what SIGNAL has set of them.

// areaBefore is what a CALL finds in the diagnostics area: nothing where its arguments read tables.
func (s *session) areaBefore(scan *sqltext.Scan) []compound.Condition {
	for i := range scan.Tokens {
		if scan.Tokens[i].Kind == sqltext.Word && scan.Tokens[i].KW == sqltext.KwSelect {
			return nil
		}
	}
	return conditionsOf(s.warnings)
}

const itemIs = " = _utf8mb4 x'"

// originOf is what SIGNAL has set of a condition, as exec.Note has it.
func originOf(c *compound.Condition) string {
	if c.Items == nil {
		return ""
	}
	origin := " " // it is known that there is no more
	for _, item := range signalItems {
		if v := c.Items[item]; v != "" {
			origin += ", " + item + itemIs + hex.EncodeToString([]byte(v)) + "'"
		}
	}
	return origin
}

// itemsIn is the other way round.
func itemsIn(origin string) map[string]string {
	if origin == "" {
		return nil
	}
	items := map[string]string{}
	for _, part := range strings.Split(strings.TrimSpace(origin), ", ") {
		if name, text, ok := strings.Cut(part, itemIs); ok {
			if v, err := hex.DecodeString(strings.TrimSuffix(text, "'")); err == nil && len(v) > 0 {
				items[name] = string(v)
			}
		}
	}
	return items
}

func notesOf(conds []compound.Condition) []exec.Note {
	out := make([]exec.Note, len(conds))
	for i := range conds {
		c := &conds[i]
		out[i] = exec.Note{Level: c.Level, Code: strconv.Itoa(int(c.Code)), Message: c.Message, Origin: originOf(c)}
		if c.Items != nil { // what a leaf has told has none
			out[i].State = c.State
		}
	}
	return out
}

func conditionsOf(notes []exec.Note) []compound.Condition {
	out := make([]compound.Condition, len(notes))
	for i, n := range notes {
		code, _ := strconv.ParseUint(n.Code, 10, 16) // a leaf's, or the node's own
		state := n.State
		if state == "" {
			state = wire.SQLState(uint16(code))
		}
		out[i] = compound.Condition{Level: n.Level, Code: uint16(code), State: state, Message: n.Message, Items: itemsIn(n.Origin)}
	}
	return out
}
