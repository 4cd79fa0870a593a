package equivalence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// client is one connection. It shows everything that a server says, which database/sql does not.
type client struct {
	*wire.Conn
}

// result is one answer.
type result struct {
	columns []wire.Column
	rows    []row
	ok      wire.OK
	err     *wire.ServerError
}

// row is a row in printed form, and its bytes.
type row struct {
	cells []string
	raw   string
}

const clientCaps = wire.ClientMultiStatements | wire.ClientMultiResults | wire.ClientPSMultiResults | wire.ClientLocalFiles

// modernCaps are those of a client that knows what MariaDB has.
const modernCaps = clientCaps | wire.ClientDeprecateEOF | wire.ClientSessionTrack | wire.MariaDBExtendedMetadata

func dial(t testing.TB, addr, db string, caps wire.Caps) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c, err := wire.Connect(ctx, nc, &wire.ClientConfig{User: "root", Database: db, Caps: caps})
	if err != nil {
		t.Fatalf("%s: %v", addr, err)
	}
	t.Cleanup(func() { c.Close() })
	return &client{c}
}

// patience is how long an answer may take on a busy machine.
const patience = 60 * time.Second

func (c *client) send(packet []byte) error {
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	c.ResetSeq()
	if err := c.AppendPacket(packet); err != nil {
		return err
	}
	return c.Flush()
}

// query runs a text, which may be several statements.
func (c *client) query(sql string) ([]result, error) {
	if err := c.send(wire.AppendCommand(nil, wire.ComQuery, sql)); err != nil {
		return nil, err
	}
	return c.results(false)
}

// prepared runs a text with parameters by the binary protocol. pre is the answer to COM_STMT_PREPARE.
func (c *client) prepared(sql string, params []wire.Param) (pre wire.PrepareOK, res []result, err error) {
	if err := c.send(wire.AppendCommand(nil, wire.ComStmtPrepare, sql)); err != nil {
		return pre, nil, err
	}
	p, err := c.ReadPacket()
	if err != nil {
		return pre, nil, err
	}
	if wire.IsError(p) {
		e, err := wire.ParseError(p)
		return pre, []result{{err: e}}, err
	}
	if pre, err = wire.ParsePrepareOK(p); err != nil {
		return pre, nil, err
	}
	for _, n := range []uint16{pre.Params, pre.Columns} {
		if n == 0 {
			continue
		}
		if !c.Caps().Has(wire.ClientDeprecateEOF) {
			n++
		}
		for range n {
			if _, err := c.ReadPacket(); err != nil {
				return pre, nil, err
			}
		}
	}
	if err := c.send(wire.AppendExecute(nil, pre.StmtID, 0, params, true)); err != nil {
		return pre, nil, err
	}
	if res, err = c.results(true); err != nil {
		return pre, nil, err
	}
	return pre, res, c.send(wire.AppendStmtCommand(nil, wire.ComStmtClose, pre.StmtID))
}

func (c *client) results(binary bool) ([]result, error) {
	var out []result
	for {
		r, err := c.result(binary)
		if err != nil {
			return out, err
		}
		out = append(out, *r)
		if r.err != nil || r.ok.Status&wire.StatusMoreResults == 0 {
			return out, nil
		}
	}
}

func (c *client) result(binary bool) (*result, error) {
	r := &result{}
	p, err := c.ReadPacket()
	if err != nil {
		return nil, err
	}
	if wire.IsLocalInfile(p) {
		if err := c.file(p); err != nil {
			return nil, err
		}
		if p, err = c.ReadPacket(); err != nil {
			return nil, err
		}
	}
	switch {
	case wire.IsError(p):
		r.err, err = wire.ParseError(p)
		return r, err
	case wire.IsOK(p):
		return r, r.end(p, c.Caps())
	}
	n, _, err := wire.ParseColumnCount(p, c.Caps())
	if err != nil {
		return nil, err
	}
	for range n {
		if p, err = c.ReadPacket(); err != nil {
			return nil, err
		}
		var d wire.Column
		if err := wire.ParseColumn(bytes.Clone(p), c.Caps(), &d); err != nil {
			return nil, err
		}
		r.columns = append(r.columns, d)
	}
	if !c.Caps().Has(wire.ClientDeprecateEOF) {
		if p, err = c.ReadPacket(); err != nil {
			return nil, err
		}
		if !wire.IsEOF(p, c.Caps()) {
			return nil, errors.New("no EOF packet after the columns")
		}
	}
	for {
		if p, err = c.ReadPacket(); err != nil {
			return nil, err
		}
		if wire.IsError(p) {
			r.err, err = wire.ParseError(p)
			return r, err
		}
		if wire.IsEOF(p, c.Caps()) {
			return r, r.end(p, c.Caps())
		}
		w, err := r.row(p, binary)
		if err != nil {
			return nil, err
		}
		r.rows = append(r.rows, w)
	}
}

func (r *result) end(p []byte, caps wire.Caps) error {
	err := wire.ParseOK(p, caps, &r.ok)
	r.ok.Info, r.ok.Track = bytes.Clone(r.ok.Info), nil
	return err
}

func (r *result) row(p []byte, binary bool) (row, error) {
	w := row{raw: string(p)}
	if !binary {
		cells := make([][]byte, len(r.columns))
		if err := wire.SplitTextRow(p, cells); err != nil {
			return w, err
		}
		for _, c := range cells {
			w.cells = append(w.cells, shown(c, c == nil))
		}
		return w, nil
	}
	var b wire.BinaryRow
	if err := b.Reset(p, len(r.columns)); err != nil {
		return w, err
	}
	for _, d := range r.columns {
		v, null, ok := b.Next(d.Type)
		if !ok {
			return w, wire.ErrMalformed
		}
		if d.Type.IsInteger() && !null {
			v = strconv.AppendInt(nil, int64(wire.BinaryInt(v, false)), 10)
		}
		w.cells = append(w.cells, shown(v, null))
	}
	return w, nil
}

func shown(v []byte, null bool) string {
	if null {
		return "NULL"
	}
	return string(v)
}

// file sends a file of testdata, as LOAD DATA LOCAL asks.
func (c *client) file(p []byte) error {
	name, err := wire.ParseLocalInfile(p)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join("testdata", filepath.Base(name)))
	if err != nil {
		return err
	}
	for len(text) > 0 {
		n := min(len(text), 1000)
		if err := c.AppendPacket(text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	if err := c.AppendPacket(nil); err != nil {
		return err
	}
	return c.Flush()
}

// parametrized replaces a statement's literals by parameters, where a parameter may stand.
func parametrized(sql string) (string, []wire.Param) {
	var s sqltext.Scan
	if err := s.Scan([]byte(sql), sqltext.Mode{Version: 101119}); err != nil || s.More {
		return sql, nil
	}
	var out strings.Builder
	var params []wire.Param
	at := uint32(0)
	fixed := false // what follows are positions of columns, and names
	previous := ""
	for i, t := range s.Tokens {
		word := strings.ToUpper(string(s.Src[t.Start:t.End]))
		switch word {
		case "ORDER", "GROUP":
			fixed = true
		case "LIMIT", "HAVING", "UNION":
			fixed = false
		}
		literal := t.Kind == sqltext.Number || t.Kind == sqltext.String
		glued := i+1 < len(s.Tokens) && s.Tokens[i+1].Kind == sqltext.String
		switch previous {
		case "DATE", "TIME", "TIMESTAMP", "AS", "CHARSET", "COLLATE":
			literal = false
		}
		if i > 0 && (s.Tokens[i-1].Kind == sqltext.Introducer || s.Tokens[i-1].Kind == sqltext.String) {
			literal = false
		}
		if word != "" && word[0] == 'N' && t.Kind == sqltext.String {
			literal = false
		}
		previous = word
		if !literal || fixed || glued {
			continue
		}
		out.WriteString(sql[at:t.Start])
		out.WriteByte('?')
		at = t.End
		params = append(params, param(&s, t))
	}
	out.WriteString(sql[at:])
	return out.String(), params
}

func param(s *sqltext.Scan, t sqltext.Token) wire.Param {
	text := string(s.Src[t.Start:t.End])
	if t.Kind == sqltext.String {
		return wire.Param{ParamType: wire.ParamType{Type: wire.TypeVarString}, Bytes: sqltext.Unquote(nil, t, s.Src, sqltext.Mode{})}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return wire.Param{ParamType: wire.ParamType{Type: wire.TypeLongLong}, Int: uint64(n)}
	}
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return wire.Param{ParamType: wire.ParamType{Type: wire.TypeLongLong, Unsigned: true}, Int: n}
	}
	if strings.ContainsAny(text, "eE") {
		f, _ := strconv.ParseFloat(text, 64)
		return wire.Param{ParamType: wire.ParamType{Type: wire.TypeDouble}, Float: f}
	}
	return wire.Param{ParamType: wire.ParamType{Type: wire.TypeNewDecimal}, Bytes: []byte(text)}
}

// innerFlags are a matter of how a server runs a statement: a column that passes through a temporary table loses its keys, is part of a key of that
// table, is grouped by; and a number then is not binary any more.
const innerFlags = 0x4000 | 0x8000 | wire.FlagPrimaryKey | wire.FlagUniqueKey | wire.FlagMultipleKey

// describe prints a column definition.
func describe(d *wire.Column) string {
	flags := d.Flags &^ innerFlags
	if d.Type.IsInteger() || d.Type == wire.TypeNewDecimal || d.Type == wire.TypeDouble {
		flags &^= wire.FlagBinary
	}
	return fmt.Sprintf("%s.%s(%s).%s(%s) type %d length %d flags %#x decimals %d collation %d%q",
		d.Schema, d.Table, d.OrgTable, d.Name, d.OrgName, d.Type, d.Length, flags, d.Decimals, d.Collation, d.Extended)
}
