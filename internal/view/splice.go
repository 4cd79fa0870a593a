package view

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// maxDepth is how deep views may be nested, as many as bodies of them.
const maxDepth = 32

// maxText bounds what the bodies of a statement's views may come to, in bytes: views that name others twice grow with the power of their depth.
const maxText = 1 << 20

// Session is what of a session decides how texts are read.
type Session struct {
	DB   string // the default database
	Mode sqltext.Mode
	// EmptyNull: sql_mode has EMPTY_STRING_IS_NULL.
	EmptyNull bool
	// Charset is character_set_client, Collation collation_connection.
	Charset, Collation string
	// User and Host are the client's account.
	User, Host string
	// Bodies remembers the views' texts that were read; nil: nobody does.
	Bodies *Bodies
	// Temporary says whether the session has a temporary table of a name; nil: it has none.
	Temporary func(db, name string) bool
	// Default says of a collation which character set it is of, and whether it is that one's default.
	Default func(collation string) (charset string, is bool)
}

// Spliced is a statement without views.
type Spliced struct {
	Text []byte
	// Flat is another text for the same, for where the first one needs more than partitions can do; nil where there is none.
	Flat []byte
	// Views are all views that have been replaced, those inside of others too.
	Views []*topo.View
	// Check is what rows that the statement writes are to be looked at by; nil for nothing.
	Check *Check
	// Into is the view that an INSERT, REPLACE or LOAD DATA puts rows into; nil for none.
	Into *topo.View
	// Unkeyed is what an UPDATE with LIMIT calls a view that shows no key of its table, which updatable_views_with_limit is about; "" for none.
	Unkeyed string
	// Unnumbered: an INSERT or REPLACE goes through a view without the table's AUTO_INCREMENT column, so that LAST_INSERT_ID() does not tell of it.
	Unnumbered bool
}

// edit replaces tokens by a text.
type edit struct {
	from, to int32
	with     string
}

// splicer is one Splice under way.
type splicer struct {
	snap *topo.Snapshot
	sess Session
	used []*topo.View
	size int
	// hides says which tables temporary ones of the session hide from its statements, though not from views.
	hides func(db, name string) bool
	// ordered: the body is to be a statement by itself, and keeps its ORDER BY.
	ordered bool
	check   *Check
	into    *topo.View
	lock    string // FOR UPDATE and its like, of the SELECT whose tables are replaced; "" for none
	unkeyed string // Spliced.Unkeyed
	// unnumbered is Spliced.Unnumbered.
	unnumbered bool
}

// Named lists the views that a statement names itself.
func Named(stmt *sqltext.Stmt, snap *topo.Snapshot, sess *Session) (out []*topo.View) {
	for _, t := range stmt.Tables {
		if v := lookup(t, snap, sess); v != nil {
			out = append(out, v)
		}
	}
	return out
}

func lookup(t *sqltext.TableName, snap *topo.Snapshot, sess *Session) *topo.View {
	if t == nil || t.CTE {
		return nil
	}
	db := sess.DB
	if t.DB.Tok >= 0 {
		db = t.DB.Text
	}
	v := snap.View(db, t.Name.Text)
	if v == nil || sess.Temporary != nil && sess.Temporary(db, t.Name.Text) {
		return nil
	}
	return v
}

// Splice replaces the views that a statement names; nil when it names none.
func Splice(scan *sqltext.Scan, stmt *sqltext.Stmt, snap *topo.Snapshot, sess Session) (*Spliced, error) {
	if len(Named(stmt, snap, &sess)) == 0 {
		return nil, nil
	}
	s := &splicer{snap: snap, sess: sess, hides: sess.Temporary}
	if err := s.locking(scan, stmt); err != nil {
		return nil, err
	}
	edits, done, err := s.target(scan, stmt)
	if err != nil {
		return nil, err
	}
	edits, err = s.factors(scan, stmt, edits, done, 0)
	if err != nil {
		return nil, err
	}
	flat, err := s.flat(scan, stmt)
	if err != nil {
		return nil, err
	}
	order, err := s.order(scan, stmt, &edits)
	if err != nil && flat != "" { // which has the view's ORDER BY itself
		return &Spliced{Text: []byte(flat), Views: s.used}, nil
	}
	if err != nil {
		return nil, err
	}
	edits = append(edits, order...)
	text := apply(scan, append(edits, named(scan, stmt, edits)...))
	out := &Spliced{Text: text, Views: s.used, Check: s.check, Into: s.into, Unkeyed: s.unkeyed, Unnumbered: s.unnumbered}
	if flat != "" {
		out.Flat = []byte(flat)
	}
	return out, nil
}

// locking finds the lock that a SELECT asks for: what stands in a view's place has one of its own, or nothing of it would be locked.
func (s *splicer) locking(scan *sqltext.Scan, stmt *sqltext.Stmt) error {
	if stmt.Facts&sqltext.HasForUpdate == 0 {
		return nil
	}
	odd := refuse("FOR UPDATE or LOCK IN SHARE MODE of a subquery, or in another statement than SELECT: lock the rows of its tables")
	q := stmt.Query
	if stmt.Kind != sqltext.KindSelect || q == nil || q.Select == nil || q.Bracket {
		return odd
	}
	tail, clauses := q.Select.Tail, 0
	for i := int32(0); int(i) < len(scan.Tokens); i++ {
		if isWord(scan, i, "FOR") && isWord(scan, i+1, "UPDATE") || isWord(scan, i, "LOCK") && isWord(scan, i+1, "IN") {
			clauses++
			if i != tail.From {
				return odd
			}
		}
	}
	for i := tail.From; i < tail.To; i++ {
		if clauses != 1 || isWord(scan, i, "INTO") || isWord(scan, i, "PROCEDURE") {
			return odd
		}
	}
	s.lock = string(scan.AppendSpan(nil, tail))
	return nil
}

// factors replaces the views in FROM clauses. done are those that have been replaced already, by their names' first tokens.
func (s *splicer) factors(scan *sqltext.Scan, stmt *sqltext.Stmt, edits []edit, done map[int32]bool, depth int) ([]edit, error) {
	alias := map[[2]string]bool{} // of the replaced views without one
	locked := map[int32]bool{}
	if s.lock != "" {
		sqltext.WalkTables(stmt.Query.Select.From, func(r *sqltext.TableRef) {
			if r.Table != nil {
				locked[r.Table.Span.From] = true
			}
		})
	}
	for _, f := range sqltext.Factors(stmt) {
		v := lookup(f.Table, s.snap, &s.sess)
		if v == nil || done[f.Table.Span.From] {
			continue
		}
		done[f.Table.Span.From] = true
		if !f.Partition.Empty() || !f.Hints.Empty() || !f.SystemTime.Empty() {
			return nil, refuse("PARTITION, an index hint or FOR SYSTEM_TIME of '%s'", v.Name)
		}
		body, err := s.bodyWith(v, depth+1, nil, locked[f.Table.Span.From])
		if err != nil {
			return nil, err
		}
		text := "(" + body + ")"
		if f.Alias.Tok < 0 {
			text += " AS " + quote(v.Name)
			alias[[2]string{v.DB, v.Name}] = true
		}
		edits = append(edits, edit{f.Table.Span.From, f.Table.Span.To, text})
	}
	for _, t := range stmt.Tables {
		if v := lookup(t, s.snap, &s.sess); v != nil && !done[t.Span.From] {
			return nil, refuse("'%s' stands where its text can't", v.Name)
		}
	}
	if len(alias) > 0 {
		edits = append(edits, s.qualifiers(scan, stmt, alias)...)
	}
	return edits, nil
}

// qualifiers takes the databases off columns of replaced views: what stands in their place has none.
func (s *splicer) qualifiers(scan *sqltext.Scan, stmt *sqltext.Stmt, alias map[[2]string]bool) (edits []edit) {
	table := map[int32]bool{}
	for _, t := range stmt.Tables {
		for i := t.Span.From; i < t.Span.To; i++ {
			table[i] = true
		}
	}
	for i := int32(0); int(i)+4 < len(scan.Tokens); i++ {
		if table[i] || !isName(scan, i) || !isOp(scan, i+1, '.') || !isName(scan, i+2) || !isOp(scan, i+3, '.') || i > 0 && isOp(scan, i-1, '.') {
			continue
		}
		if alias[[2]string{name(scan, i), name(scan, i+2)}] {
			edits = append(edits, edit{i, i + 2, ""})
		}
	}
	return edits
}

// maxAlias bounds a column's alias, in bytes.
const maxAlias = 255

// named gives items whose text is changed the names that they had by it.
func named(scan *sqltext.Scan, stmt *sqltext.Stmt, edits []edit) (out []edit) {
	q := stmt.Query
	for q != nil && q.Select == nil {
		q = q.Left
	}
	if q == nil {
		return nil
	}
	for i := range q.Select.Items {
		it := &q.Select.Items[i]
		if it.Expr == nil || it.Alias.Tok >= 0 {
			continue
		}
		if _, column := sqltext.Unparen(it.Expr).(*sqltext.Column); column {
			continue // it is called by its last part
		}
		text := scan.Text(it.Span)
		if slices.ContainsFunc(edits, func(e edit) bool { return it.Span.From <= e.from && e.to <= it.Span.To }) && len(text) <= maxAlias {
			out = append(out, edit{it.Span.To, it.Span.To, "AS " + quote(string(text))})
		}
	}
	return out
}

// Bodies are views' bodies that have been read. A view that is changed is another one.
type Bodies struct {
	mu  sync.RWMutex
	all map[*topo.View]body
}

// maxBodies bounds them.
const maxBodies = 1024

type body struct {
	scan *sqltext.Scan
	stmt *sqltext.Stmt
}

// parsed is a view's body, which is not to be changed.
func (b *Bodies) parsed(v *topo.View) (*sqltext.Scan, *sqltext.Stmt, error) {
	if b == nil {
		return parsed(v)
	}
	b.mu.RLock()
	known, ok := b.all[v]
	b.mu.RUnlock()
	if ok {
		return known.scan, known.stmt, nil
	}
	scan, stmt, err := parsed(v)
	if err != nil {
		return nil, nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil || len(b.all) >= maxBodies {
		b.all = map[*topo.View]body{}
	}
	b.all[v] = body{scan, stmt}
	return scan, stmt, nil
}

// parsed reads a view's body.
func parsed(v *topo.View) (*sqltext.Scan, *sqltext.Stmt, error) {
	scan := new(sqltext.Scan)
	if err := scan.Scan([]byte(v.Body), sqltext.Mode{}); err != nil {
		return nil, nil, unread(v)
	}
	stmt, err := sqltext.Parse(scan, sqltext.Mode{})
	if err != nil || stmt.Query == nil || scan.More {
		return nil, nil, unread(v)
	}
	return scan, stmt, nil
}

func unread(v *topo.View) error {
	return refuse("the text of view '%s.%s' can't be read", v.DB, v.Name)
}

// bodyWith is the text that stands for a view, without brackets, with edits made. Where the view is locked the rows of its own SELECT's tables are.
func (s *splicer) bodyWith(v *topo.View, depth int, edits []edit, locked bool) (string, error) {
	if depth > maxDepth {
		return "", refuse("they are nested more than %d deep", maxDepth)
	}
	scan, stmt, err := s.sess.Bodies.parsed(v)
	if err != nil {
		return "", err
	}
	if !slices.Contains(s.used, v) {
		s.used = append(s.used, v)
	}
	inner := &splicer{snap: s.snap, sess: s.sess, hides: s.hides, used: s.used, size: s.size}
	inner.sess.DB, inner.sess.Temporary = "", nil // all names in it have a database, and mean what is not temporary
	if locked {
		if sel := stmt.Query.Select; sel == nil || stmt.Query.With != nil || sel.Distinct || sel.Group != nil || sel.Having != nil || sel.Limit != nil || stmt.Query.Limit != nil || aggregates(sel.Items) {
			return "", refuse("FOR UPDATE or LOCK IN SHARE MODE of '%s', which is more than rows of tables: lock those", v.Name)
		}
		inner.lock = s.lock
	}
	for _, t := range stmt.Tables {
		switch {
		case t.CTE || t.DB.Tok < 0 && strings.EqualFold(t.Name.Text, "dual"):
		case t.DB.Tok < 0:
			return "", unread(v)
		case s.hides != nil && s.hides(t.DB.Text, t.Name.Text):
			return "", refuse("'%s' reads the table '%s.%s', which a temporary table of the session hides", v.Name, t.DB.Text, t.Name.Text)
		}
	}
	for _, c := range stmt.Calls {
		if c.DB.Tok < 0 { // of the view's database, whatever the session's is
			edits = append(edits, edit{c.Span.From, c.Span.To, quote(v.DB) + "." + quote(c.Name.Text)})
		}
	}
	own, err := s.translated(v, scan)
	if err != nil {
		return "", err
	}
	edits = append(edits, own...)
	if !s.ordered {
		edits = append(edits, withoutOrder(stmt.Query)...)
	}
	edits = append(append(edits, withoutLimits(scan)...), withoutOptions(scan)...)
	if edits, err = inner.factors(scan, stmt, edits, map[int32]bool{}, depth); err != nil {
		return "", err
	}
	s.used, s.size = inner.used, inner.size
	text := string(apply(scan, edits))
	if locked {
		text += " " + s.lock
	}
	if s.size += len(text); s.size > maxText {
		return "", refuse("their texts come to more than %d bytes", maxText)
	}
	return text, nil
}

// withoutOrder cuts an ORDER BY that decides nothing: a derived table has no order. See splicer.order.
func withoutOrder(q *sqltext.Query) []edit {
	span, limit := q.OrderSpan, q.Limit
	if q.Select != nil && span.Empty() && limit == nil {
		span, limit = q.Select.OrderSpan, q.Select.Limit
	}
	if span.Empty() || limit != nil {
		return nil
	}
	return []edit{{span.From, span.To, ""}}
}

// withoutOptions cuts words that mean nothing here, and that MariaDB takes in a view and not in a derived table.
func withoutOptions(scan *sqltext.Scan) (edits []edit) {
	for i := int32(0); int(i) < len(scan.Tokens); i++ {
		for _, word := range []string{"SQL_NO_CACHE", "SQL_CACHE", "HIGH_PRIORITY", "SQL_CALC_FOUND_ROWS"} {
			if isWord(scan, i, word) {
				edits = append(edits, edit{i, i + 1, ""})
			}
		}
	}
	return edits
}

// withoutLimits cuts the LIMIT 1 that MariaDB prints in every EXISTS.
func withoutLimits(scan *sqltext.Scan) (edits []edit) {
	for i := int32(0); int(i) < len(scan.Tokens); i++ {
		if !isWord(scan, i, "exists") || !isOp(scan, i+1, '(') {
			continue
		}
		depth := 0
		for n := i + 1; int(n) < len(scan.Tokens); n++ {
			if isOp(scan, n, '(') {
				depth++
			} else if isOp(scan, n, ')') {
				if depth--; depth > 0 {
					continue
				}
				if isWord(scan, n-2, "limit") && string(scan.Bytes(n-1)) == "1" {
					edits = append(edits, edit{n - 2, n, ""})
				}
				break
			}
		}
	}
	return edits
}

// apply is the statement's text with edits made. What follows the statement is left out.
func apply(scan *sqltext.Scan, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Or(int(a.from-b.from), int(a.to-b.to)) })
	out := make([]byte, 0, scan.End+256)
	at := int32(0)
	n := int32(len(scan.Tokens))
	for _, e := range edits {
		if e.from < at {
			continue // inside of what is replaced already
		}
		if at < e.from {
			out = append(scan.AppendSpan(out, sqltext.Span{From: at, To: e.from}), ' ')
		}
		out = append(append(out, e.with...), ' ')
		at = e.to
	}
	if at < n {
		out = scan.AppendSpan(out, sqltext.Span{From: at, To: n})
	}
	return out
}

func isName(scan *sqltext.Scan, i int32) bool {
	return i >= 0 && int(i) < len(scan.Tokens) && (scan.Tokens[i].Kind == sqltext.Word || scan.Tokens[i].Kind == sqltext.QuotedID)
}

func isOp(scan *sqltext.Scan, i int32, op byte) bool {
	return i >= 0 && int(i) < len(scan.Tokens) && scan.Tokens[i].Kind == sqltext.Op && scan.Tokens[i].Op == uint32(op)
}

func isWord(scan *sqltext.Scan, i int32, word string) bool {
	return i >= 0 && int(i) < len(scan.Tokens) && scan.Tokens[i].Kind == sqltext.Word && strings.EqualFold(string(scan.Bytes(i)), word)
}

// name is the name that a token is.
func name(scan *sqltext.Scan, i int32) string {
	if scan.Tokens[i].Kind == sqltext.Word {
		return string(scan.Bytes(i))
	}
	return string(sqltext.Unquote(nil, scan.Tokens[i], scan.Src, scan.Mode()))
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
