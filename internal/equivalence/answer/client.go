package answer

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
	"time"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// Client is one connection. It shows everything that a server says, which database/sql does not. It is for one goroutine.
type Client struct {
	*wire.Conn
}

// Result is one answer.
type Result struct {
	Columns []wire.Column
	Rows    []Row
	OK      wire.OK
	Err     *wire.ServerError
}

// Row is a row in printed form, and its bytes.
type Row struct {
	Cells []string
	Raw   string
}

// Caps are those of a client that takes several results, and sends files.
const Caps = wire.ClientMultiStatements | wire.ClientMultiResults | wire.ClientPSMultiResults | wire.ClientLocalFiles

// ModernCaps are those of a client that knows what MariaDB has.
const ModernCaps = Caps | wire.ClientDeprecateEOF | wire.ClientSessionTrack | wire.MariaDBExtendedMetadata

// Dial connects as root, who needs no password in tests.
func Dial(ctx context.Context, addr, db string, caps wire.Caps) (*Client, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c, err := wire.Connect(ctx, nc, &wire.ClientConfig{User: "root", Database: db, Caps: caps})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	return &Client{c}, nil
}

// Patience is how long an answer may take on a busy machine.
const Patience = 3 * time.Minute

func (c *Client) send(packet []byte) error {
	if err := c.SetDeadline(time.Now().Add(Patience)); err != nil {
		return err
	}
	c.ResetSeq()
	if err := c.AppendPacket(packet); err != nil {
		return err
	}
	return c.Flush()
}

// Query runs a text, which may be several statements.
func (c *Client) Query(sql string) ([]Result, error) {
	if err := c.send(wire.AppendCommand(nil, wire.ComQuery, sql)); err != nil {
		return nil, err
	}
	return c.results(false)
}

// Prepare has a text described by COM_STMT_PREPARE. What the server refuses is refused.
func (c *Client) Prepare(sql string) (pre wire.PrepareOK, refused *wire.ServerError, err error) {
	if err := c.send(wire.AppendCommand(nil, wire.ComStmtPrepare, sql)); err != nil {
		return pre, nil, err
	}
	p, err := c.ReadPacket()
	if err != nil {
		return pre, nil, err
	}
	if wire.IsError(p) {
		refused, err = wire.ParseError(p)
		return pre, refused, err
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
	return pre, nil, nil
}

// Forget closes a prepared statement.
func (c *Client) Forget(pre wire.PrepareOK) error {
	return c.send(wire.AppendStmtCommand(nil, wire.ComStmtClose, pre.StmtID))
}

// Prepared runs a text with parameters by the binary protocol. pre is the answer to COM_STMT_PREPARE.
func (c *Client) Prepared(sql string, params []wire.Param) (pre wire.PrepareOK, res []Result, err error) {
	pre, refused, err := c.Prepare(sql)
	if err != nil {
		return pre, nil, err
	}
	if refused != nil {
		return pre, []Result{{Err: refused}}, nil
	}
	if err := c.send(wire.AppendExecute(nil, pre.StmtID, 0, params, true)); err != nil {
		return pre, nil, err
	}
	if res, err = c.results(true); err != nil {
		return pre, nil, err
	}
	return pre, res, c.Forget(pre)
}

func (c *Client) results(binary bool) ([]Result, error) {
	var out []Result
	for {
		r, err := c.result(binary)
		if err != nil {
			return out, err
		}
		out = append(out, *r)
		if r.Err != nil || r.OK.Status&wire.StatusMoreResults == 0 {
			return out, nil
		}
	}
}

func (c *Client) result(binary bool) (*Result, error) {
	r := &Result{}
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
		r.Err, err = wire.ParseError(p)
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
		r.Columns = append(r.Columns, d)
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
			r.Err, err = wire.ParseError(p)
			return r, err
		}
		if wire.IsEOF(p, c.Caps()) {
			return r, r.end(p, c.Caps())
		}
		w, err := r.row(p, binary)
		if err != nil {
			return nil, err
		}
		r.Rows = append(r.Rows, w)
	}
}

func (r *Result) end(p []byte, caps wire.Caps) error {
	err := wire.ParseOK(p, caps, &r.OK)
	r.OK.Info, r.OK.Track = bytes.Clone(r.OK.Info), nil
	return err
}

func (r *Result) row(p []byte, binary bool) (Row, error) {
	w := Row{Raw: string(p)}
	if !binary {
		cells := make([][]byte, len(r.Columns))
		if err := wire.SplitTextRow(p, cells); err != nil {
			return w, err
		}
		for _, c := range cells {
			w.Cells = append(w.Cells, shown(c, c == nil))
		}
		return w, nil
	}
	var b wire.BinaryRow
	if err := b.Reset(p, len(r.Columns)); err != nil {
		return w, err
	}
	for _, d := range r.Columns {
		v, null, ok := b.Next(d.Type)
		if !ok {
			return w, wire.ErrMalformed
		}
		if d.Type.IsInteger() && !null {
			v = strconv.AppendInt(nil, int64(wire.BinaryInt(v, false)), 10)
		}
		w.Cells = append(w.Cells, shown(v, null))
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
func (c *Client) file(p []byte) error {
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

// Parametrized replaces a statement's literals by parameters, where a parameter may stand.
func Parametrized(sql string) (string, []wire.Param) {
	var s sqltext.Scan
	if err := s.Scan([]byte(sql), sqltext.Mode{Version: 101119}); err != nil || s.More {
		return sql, nil
	}
	var out strings.Builder
	var params []wire.Param
	at := uint32(0)
	fixed := false // what follows are positions of columns, and names
	typed := false // a type's length
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
		switch {
		case previous == "AS" && (word == "DECIMAL" || word == "CHAR" || word == "BINARY" || word == "DATETIME" || word == "TIME"):
			typed = true
		case word == ")":
			typed = false
		}
		previous = word
		if !literal || fixed || glued || typed {
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

// Describe prints a column definition.
func Describe(d *wire.Column) string {
	flags := d.Flags &^ innerFlags
	if d.Type.IsInteger() || d.Type == wire.TypeNewDecimal || d.Type == wire.TypeDouble {
		flags &^= wire.FlagBinary
	}
	return fmt.Sprintf("%s.%s(%s).%s(%s) type %d length %d flags %#x decimals %d collation %d%q",
		d.Schema, d.Table, d.OrgTable, d.Name, d.OrgName, d.Type, d.Length, flags, d.Decimals, d.Collation, d.Extended)
}
