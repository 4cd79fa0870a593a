package gateway

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/orbweaver/orbweaver/internal/backend"
	"github.com/orbweaver/orbweaver/internal/exec"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
	"github.com/orbweaver/orbweaver/internal/wire"
)

// explainFor is SHOW EXPLAIN FOR id, SHOW ANALYZE FOR id and EXPLAIN FOR CONNECTION id: what a leaf tells of the part that it runs of another session's statement. Of several
// leaves the first one tells, as EXPLAIN EXTENDED of a statement is one partition's.
func (s *session) explainFor(ctx context.Context, scan *sqltext.Scan, snap *topo.Snapshot, src source) error {
	from, ok := connectionAt(scan)
	if !ok {
		return s.unknown(ctx, scan)
	}
	head := string(scan.Src[:scan.Tokens[from].Start])
	if err := s.prepareOnly(ctx, string(scan.Src[:scan.End]), nil); err != nil {
		return err
	}
	if !isConstant(scan, from) {
		return wire.Errorf(erConstantsOnly, "You may only use constant expressions in this statement")
	}
	// What a PREPARE does not look at a leaf judges by an id that no connection has.
	if err := s.tryAtShape(ctx, []byte(head+"18446744073709551615")); err == nil || serverError(ctx, err).Code != wire.ErNoSuchThread {
		if err == nil {
			err = wire.Errorf(erNotExplainable, notExplainable)
		}
		return err
	}
	v, err := s.evaluate(ctx, "CONVERT("+string(scan.Text(sqltext.Span{From: from, To: int32(len(scan.Tokens))}))+", UNSIGNED)")
	if err != nil {
		return err
	}
	r := explainRequest{ID: v.uint(), Head: head, User: s.user, Host: s.login.Host}
	if r.Any, err = s.hasRight(ctx, processRight); err != nil {
		return err
	}
	var a explainAnswer
	if s.g.session(r.ID) != nil {
		a = s.g.explainHere(ctx, &r)
	} else if a, err = s.explainElsewhere(ctx, &r); err != nil {
		return err
	}
	if a.Code != 0 {
		return &wire.ServerError{Code: a.Code, State: a.State, Message: a.Message}
	}
	t := rowset{nullable: true}
	for i, name := range a.Columns {
		if i == 0 && name == "id" {
			t.cols = append(t.cols, colDef{name: name, typ: wire.TypeLongLong, size: 3})
		} else {
			t.cols = append(t.cols, text(name, 1<<20))
		}
	}
	for _, row := range a.Rows {
		values := make([]any, len(row))
		for i, v := range row {
			if v == nil {
				continue
			}
			values[i] = string(withoutPartitions(v, snap))
			if n, err := strconv.ParseInt(string(v), 10, 64); err == nil && t.cols[i].typ == wire.TypeLongLong {
				values[i] = n
			}
		}
		t.add(values...)
	}
	s.warnings = append(s.warnings, exec.Note{Level: "Note", Code: "1003", Message: a.Text})
	t.warnings = s.warningCount()
	return t.write(src.out, src.prepared)
}

const (
	erConstantsOnly  = 1204
	erNotExplainable = 1933
	notExplainable   = "Target is not executing an operation with a query plan"
)

// connectionAt is where the id of a SHOW EXPLAIN FOR or EXPLAIN FOR CONNECTION begins.
func connectionAt(scan *sqltext.Scan) (int32, bool) {
	for i := range scan.Tokens {
		at := int32(i) + 1
		if !isWord(scan, int32(i), "FOR") {
			continue
		}
		if isWord(scan, at, "CONNECTION") {
			at++
		}
		return at, int(at) < len(scan.Tokens)
	}
	return 0, false
}

// isConstant says whether the tokens from one on are a constant.
func isConstant(scan *sqltext.Scan, from int32) bool {
	if isOp(scan, from, "-") {
		from++
	}
	if int(from) != len(scan.Tokens)-1 {
		return false
	}
	switch scan.Tokens[from].Kind {
	case sqltext.Number, sqltext.String, sqltext.Hex, sqltext.Bit:
		return true
	}
	return isWord(scan, from, "NULL")
}

// explainRequest asks what a session's statement is doing.
type explainRequest struct {
	ID   uint64 `json:"id"`
	Head string `json:"head"` // the statement up to the id
	// User and Host are the account of who asks; Any: it may ask of others' sessions, too.
	User string `json:"user"`
	Host string `json:"host"`
	Any  bool   `json:"any"`
}

// explainAnswer is what a leaf tells, or an error.
type explainAnswer struct {
	Code    uint16     `json:"code"`
	State   string     `json:"state"`
	Message string     `json:"message"`
	Columns []string   `json:"columns"`
	Rows    [][][]byte `json:"rows"`
	Text    string     `json:"text"` // of the statement
}

func explainError(err error) explainAnswer {
	e := serverError(context.Background(), err)
	return explainAnswer{Code: e.Code, State: e.State, Message: e.Message}
}

// explainHere asks the leaves that run a part of a statement of this node's session.
func (g *Gateway) explainHere(ctx context.Context, r *explainRequest) explainAnswer {
	of := g.session(r.ID)
	if of == nil {
		return explainError(killed(r.ID, wire.ErNoSuchThread))
	}
	if !r.Any && !of.belongsTo(r.User, r.Host) {
		return explainError(wire.Errorf(wire.ErSpecificAccessDenied, "Access denied; you need (at least one of) the PROCESS privilege(s) for this operation"))
	}
	failed := explainError(wire.Errorf(erNotExplainable, notExplainable))
	for _, run := range of.running.All() {
		var res *backend.Result
		err := g.atLeaf(ctx, run.Leaf, func(c *backend.Conn) (err error) {
			res, err = c.Query(ctx, r.Head+strconv.FormatUint(run.Thread, 10))
			return err
		})
		switch {
		case !of.running.Still(run): // it may have become another session's meanwhile
		case err == nil:
			info := of.shown(time.Now(), infoBytes).Info
			if info == nil {
				info = new(string)
			}
			return explainAnswer{Columns: res.Columns, Rows: res.Rows, Text: *info}
		default:
			if e := explainError(err); e.Code != erNotExplainable && e.Code != wire.ErNoSuchThread {
				failed = e
			}
		}
	}
	return failed
}

// purposeExplain is what answers about statements are sealed for, which may hold secrets.
const purposeExplain = "explain"

// explainAsked answers another node.
func (g *Gateway) explainAsked(ctx context.Context, doc []byte) ([]byte, error) {
	var r explainRequest
	if err := json.Unmarshal(doc, &r); err != nil {
		return nil, err
	}
	within, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	text, err := json.Marshal(g.explainHere(within, &r))
	if err != nil {
		return nil, err
	}
	return g.cfg.Seal(string(text), purposeExplain), nil
}

// explainElsewhere asks the node whose session it is.
func (s *session) explainElsewhere(ctx context.Context, r *explainRequest) (a explainAnswer, err error) {
	peer, ok := s.g.peerOf(r.ID)
	if !ok {
		return a, killed(r.ID, wire.ErNoSuchThread)
	}
	doc, err := json.Marshal(r)
	if err != nil {
		return a, err
	}
	within, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	answers, asked := s.g.cfg.Node.Ask(within, topicExplain, doc, peer)
	sealed, answered := answers[peer.ID]
	switch {
	case ctx.Err() != nil:
		return a, context.Cause(ctx)
	case !answered:
		return a, wire.Errorf(wire.ErUnknown, "Node %s, which has thread %d, did not answer within %s%s", peer.Name, r.ID, askWithin, because(asked))
	}
	text, err := s.g.cfg.Open(sealed, purposeExplain)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal([]byte(text), &a)
}
