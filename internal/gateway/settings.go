package gateway

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/order"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// isSetting says whether a variable is one of the cluster's settings, which look like global variables.
func isSetting(name string) bool {
	switch name {
	case order.RedundancyLevel, order.AutoAttach, order.SingleTables, order.CopyRate, order.BinlogKeepSeconds, order.BinlogKeepBytes, order.DiskReserve, order.MemoryReserve:
		return true
	}
	return false
}

// setting is a setting's value as a literal, and its type as CAST names it, "" for the literal's own.
func (s *session) setting(name string) (value, typ string) {
	v := s.g.cfg.Catalog.Snapshot().Settings
	switch name {
	case order.AutoAttach:
		return bit(v.AutoAttach), "SIGNED"
	case order.SingleTables:
		return bit(v.SingleTables), "SIGNED"
	case order.DiskReserve, order.MemoryReserve:
		return "'" + settingReserve(v, name).String() + "'", ""
	}
	return settingNumber(v, name), "SIGNED"
}

// settingReserve is the value of a setting that is a reserve.
func settingReserve(v topo.Settings, name string) topo.Reserve {
	if name == order.DiskReserve {
		return v.DiskReserve
	}
	return v.MemoryReserve
}

// settingNumber is the value of a setting that is a number.
func settingNumber(v topo.Settings, name string) string {
	switch name {
	case order.RedundancyLevel:
		return strconv.Itoa(v.Redundancy)
	case order.CopyRate:
		return strconv.Itoa(v.CopyRate)
	case order.BinlogKeepSeconds:
		return strconv.FormatInt(v.BinlogKeepSeconds, 10)
	}
	return strconv.FormatInt(v.BinlogKeepBytes, 10)
}

// settings are the rows that the cluster adds to SHOW VARIABLES, by name.
func (s *session) settings(global bool) [][]any {
	v := s.g.cfg.Catalog.Snapshot().Settings
	rows := [][]any{{order.AutoAttach, onOff(v.AutoAttach)}, {order.SingleTables, onOff(v.SingleTables)}}
	for _, name := range []string{order.BinlogKeepBytes, order.BinlogKeepSeconds, order.CopyRate} {
		rows = append(rows, []any{name, settingNumber(v, name)})
	}
	rows = append(rows, []any{order.DiskReserve, v.DiskReserve.String()}, []any{order.MemoryReserve, v.MemoryReserve.String()},
		[]any{order.RedundancyLevel, settingNumber(v, order.RedundancyLevel)})
	rows = append(rows, s.spiderRows(global)...)
	rows = append(rows, s.placeRows(global)...)
	slices.SortFunc(rows, func(a, b []any) int { return strings.Compare(valueText(a[0]), valueText(b[0])) })
	return rows
}

func onOff(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}

// setSetting is SET GLOBAL of a setting of the cluster: a command to the controller.
func (s *session) setSetting(ctx context.Context, scan *sqltext.Scan, set *sqltext.Set, v *sqltext.SetVar) error {
	if len(set.Vars) > 1 {
		return unsupported("SET "+v.Name+" together with other variables", "it is a setting of the cluster: set it in a statement of its own")
	}
	if v.Scope != "GLOBAL" {
		return &wire.ServerError{Code: 1229, State: "HY000", Message: "Variable '" + v.Name + "' is a GLOBAL variable and should be set with SET GLOBAL"}
	}
	if err := s.needSuper(ctx); err != nil {
		return err
	}
	given := string(scan.Text(v.ValueSpan))
	if t := v.ValueSpan; t.To-t.From != 1 || scan.Tokens[t.From].Kind != sqltext.Word {
		value, err := s.evaluate(ctx, given)
		if err != nil {
			return err
		}
		given = value.text
	}
	value, ok := settingValue(v.Name, given)
	if !ok {
		return &wire.ServerError{Code: 1231, State: "42000", Message: "Variable '" + v.Name + "' can't be set to the value of '" + given + "'"}
	}
	_, err := s.ask(ctx, order.SetGlobal, order.Setting{Name: v.Name, Value: value})
	return err
}

// settingValue is a value in the one form that commands have it.
func settingValue(name, given string) (value string, ok bool) {
	given = strings.ToUpper(strings.TrimSpace(given))
	switch name {
	case order.DiskReserve, order.MemoryReserve:
		if given == "DEFAULT" {
			given = settingReserve(topo.DefaultSettings, name).String()
		}
		r, err := topo.ParseReserve(given)
		return r.String(), err == nil
	case order.AutoAttach, order.SingleTables:
	default:
		if given == "DEFAULT" {
			given = settingNumber(topo.DefaultSettings, name)
		}
		n, err := strconv.ParseInt(given, 10, 64)
		return strconv.FormatInt(n, 10), err == nil && order.Fits(name, n)
	}
	switch given {
	case "DEFAULT":
		return onOff(name == order.AutoAttach && topo.DefaultSettings.AutoAttach), true
	case "1", "ON", "TRUE":
		return "ON", true
	case "0", "OFF", "FALSE":
		return "OFF", true
	}
	return "", false
}

// settingRows are the settings that a SHOW VARIABLES asks for, as a leaf says of its LIKE or WHERE.
func (s *session) settingRows(ctx context.Context, scan *sqltext.Scan, rest sqltext.Span, global bool) ([][][]byte, error) {
	cols := []colDef{text("Variable_name", 64), text("Value", 2048)}
	where := ""
	if !rest.Empty() {
		where = string(scan.AppendSpan(nil, rest))
		if isWord(scan, rest.From, "LIKE") {
			where = "WHERE Variable_name " + where
		}
	}
	var rows [][][]byte
	err := s.atAnyLeaf(ctx, func(c *backend.Conn) error {
		res, err := c.Query(ctx, "SELECT * FROM "+jsonTable(cols, []int{0, 1}, s.settings(global))+" AS v "+where)
		if err == nil {
			rows = res.Rows
		}
		return err
	})
	return rows, err
}
