package plan

import (
	"slices"
	"sort"
	"strings"

	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// planner is the state of one Build.
type planner struct {
	stmt *sqltext.Stmt
	scan *sqltext.Scan
	snap *topo.Snapshot
	sess Session

	// span is what is planned: all of the statement, or the query of INSERT … SELECT.
	span sqltext.Span
	// seen are the table names (by their first token) and nested the subqueries that the analysis has met.
	seen   map[int32]bool
	nested map[sqltext.Span]bool
	// concealed are what queries see that are not understood.
	concealed []*env
	// begun are the common table expressions that are being analysed, each within the one before.
	begun []*env
	// renames are by their first token.
	renames map[int32]Piece
	// volatile are the tokens that name functions whose value differs from call to call.
	volatile map[int32]bool
	// bare are the select items without an alias: first token to end.
	bare map[int32]int32

	db, otherDB string // the sharded databases that take part
	system      bool
	reference   bool
	sequence    bool // sequences are asked, partitioned: there are tables whose rows are in all partitions
	partitioned bool
	// single is a table whose rows are all in one partition: one of those that take part. temporary: so do the session's temporary tables.
	single     *topo.Table
	temporary  bool
	windowSeen bool
	rownum     bool
	stored     string // d.f(), which is not there: the sharded database d
	called     called
	// fault is an error of the statement that the parts would not show.
	fault *Error
	// far is what linked tables with partitions add; nil where there are none.
	far *linker
	// stage collects what a staged statement reads; nil when nothing of that is asked for.
	stage *stager
	// brought are the tables that are there as copies, by what they are; copies are what stands for them.
	brought map[*topo.Table]*topo.Table
	copies  map[*topo.Table]*topo.Table
	// complete: all names of an UPDATE or DELETE have been met, so that names() has them.
	complete bool
	// apart is why the query of INSERT … SELECT is run on copies of its tables, linked ones among them; "" otherwise.
	apart string
	// found: the rows that are written to are found first. refused is why a linked table may not be written to.
	found   bool
	refused error
	// ordered: rows of reference tables are to be changed in one order at all leaves.
	ordered bool
	// literals: a decision looked at a literal's value.
	literals bool
	// asked is why a statement that asks sequences can't be run, where there is more to say of it than that.
	asked error
	// folds: a subquery of an UPDATE or DELETE aggregates columns of the rows that are written.
	folds bool
}

// Build plans SELECT, INSERT, REPLACE, UPDATE, DELETE, LOAD DATA, DO and CALL. Errors are *Error. What MariaDB can refuse itself is planned
// so that a leaf refuses it.
func Build(stmt *sqltext.Stmt, scan *sqltext.Scan, snap *topo.Snapshot, sess Session) (*Plan, error) {
	p := newPlanner(stmt, scan, snap, sess)
	if err := p.defaultedUpdate(); err != nil {
		return nil, err
	}
	triggers := p.triggers()
	if err := triggers.unfired(&sess); err != nil {
		return nil, err
	}
	bare := stmt.Facts&(sqltext.HasStoredCall|sqltext.HasSequence) == 0
	stmt = p.stmt // without the calls that are like those of MariaDB's functions
	plan, err := p.build()
	if err == nil && p.far != nil && p.fault != nil {
		err = p.fault
	}
	if err == nil && p.otherDB != "" {
		err = NeedsStage(twoDatabases(p.db, p.otherDB))
	}
	if err == nil && stmt.Insert == nil && (plan.Route.Kind != RouteAny || plan.Locks) && p.temporaryIn(stmt.Span) { // locks are one leaf's for all sessions
		err = NeedsStage("temporary tables beside others, which are elsewhere")
	}
	if err == nil && plan.Stage == "" && stmt.Kind == sqltext.KindSelect && stmt.Facts&sqltext.HasForUpdate != 0 && p.reference && p.db != "" {
		plan.Stage = "locks on rows of a reference table, which partitions of one leaf would take from each other"
	}
	if p.ordered = triggers.ordered; err == nil && p.ordered && plan.Route.Kind == RouteEveryLeaf && !p.oneOrder() {
		err = NeedsStage("a write to a reference table whose triggers see in which order its rows are changed")
	}
	p.reference = p.reference || triggers.references || len(p.called.reads) > 0
	if err == nil && sess.OwnReferences && p.reference && p.db != "" {
		err = NeedsStage("a reference table beside a sharded one, after the transaction has written reference tables")
	}
	plan, err = p.atOneLeaf(plan, err)
	plan, err = p.staged(plan, err)
	plan, err = p.byKeys(plan, err)
	plan, err = p.returning(plan, err)
	if err == nil && len(triggers.targets) > 0 {
		err = p.called.readsWritten(p, triggers)
	}
	if err == nil && p.stored != "" {
		err = NeedsStage("a stored function of the sharded database '" + p.stored + "'")
	}
	if err == nil && triggers.any && !(p.alone() && plan.Route.Kind == RouteOne) { // where MariaDB sees what is done
		err = triggers.apart(p)
	}
	if err == nil && triggers.variables && stmt.Facts&sqltext.HasUserVarAssign != 0 {
		err = NeedsStage("an assignment to a user variable in a write whose triggers read such variables: SET it before")
	}
	if err == nil {
		plan.FiredForUser, plan.Assigned = triggers.account, triggers.assigns
		err = p.called.unfit(p, plan)
	}
	switch {
	case err != nil:
	case triggers.called.fault != nil:
		err = triggers.called.fault
	case triggers.called.oneLeaf != "":
		err = NeedsStage("a trigger that calls " + triggers.called.oneLeaf)
	}
	if err == nil && sess.Draws != nil && stmt.Insert != nil && (plan.InsertSelect == nil || len(plan.InsertSelect.Draws) < len(*sess.Draws)) {
		err = NeedsStage("values of a sequence in rows that go where they are made")
	}
	if err == nil && sess.Met != nil && stmt.Insert != nil && (plan.Insert == nil || plan.Insert.Met == nil) {
		err = NeedsStage("NEXTVAL in ON DUPLICATE KEY UPDATE of this form: SELECT NEXTVAL of the sequence before, and use the value")
	}
	if err == nil && sess.Draws != nil && stmt.Update != nil && (plan.ByKey == nil || len(plan.ByKey.Draws) < len(*sess.Draws)) {
		err = NeedsStage(drawnRows)
	}
	if err == nil && p.asksDefault() {
		err = NeedsStage(defaultDrawn)
	}
	if p.sequence && (err == nil && !plan.asks() || unfit(err)) {
		if err = p.asked; err == nil {
			err = NeedsStage(besideSequence + ": SELECT NEXTVAL of the sequence before, and use the value")
		}
	}
	if err != nil {
		return nil, err
	}
	if plan.Rows && plan.Names == nil {
		plan.Names = returnedNames(stmt, plan)
	}
	plan.Facts, plan.Found, plan.Drawn = stmt.Facts, FoundBy(stmt), p.drawnColumns()
	if triggers.any {
		plan.Facts |= sqltext.HasTimeFunction // theirs is the statement's
		plan.Triggers = triggers.named()
	}
	plan.Clocked = p.clocked(plan)
	plan.Changes, plan.Touched = p.altered(triggers), p.touched(triggers)
	plan.Beside = p.reference && p.db != ""
	p.called.calls(plan)
	if plan.InsertSelect != nil {
		p.called.calls(plan.InsertSelect.Plan)
	}
	triggers.called.calls(plan)
	plan.Placed = p.placed(plan, triggers)
	plan.Bare = plan.Route.Kind == RouteAny && !plan.Writes && bare && !slices.ContainsFunc(stmt.Tables, func(t *sqltext.TableName) bool {
		return !strings.EqualFold(t.DB.Text, "information_schema") && (t.DB.Tok >= 0 || !strings.EqualFold(sess.DB, "information_schema"))
	})
	plan.Params = scan.Params
	plan.Revision = snap.Revision
	plan.Cacheable = !stmt.LiteralsMatter && !scan.Huge && !p.literals && !p.called.others
	return plan, nil
}

func twoDatabases(a, b string) string {
	return "tables of the databases '" + a + "' and '" + b + "' in one statement"
}

func newPlanner(stmt *sqltext.Stmt, scan *sqltext.Scan, snap *topo.Snapshot, sess Session) *planner {
	p := &planner{stmt: stmt, scan: scan, snap: snap, sess: sess, seen: make(map[int32]bool), nested: make(map[sqltext.Span]bool),
		renames: make(map[int32]Piece), bare: make(map[int32]int32), span: sqltext.Span{To: int32(len(scan.Tokens))}}
	p.functions()
	p.findVolatile()
	return p
}

func (p *planner) build() (*Plan, error) {
	l, err := p.newLinker()
	if p.apart = p.queryApart(err); p.apart != "" {
		l, err = p.newLinker()
	}
	switch {
	case err != nil:
		return nil, err
	case l == nil:
		return p.analysed()
	case l.plan.Linked.Table == nil && !l.split() && l.stmt.Load == nil:
		return l.whole(), nil
	}
	p.far = l
	plan, err := p.analysed()
	return l.complete(plan, err)
}

// analysed plans a statement by what it does with its tables.
func (p *planner) analysed() (*Plan, error) {
	switch p.stmt.Kind {
	case sqltext.KindInsert, sqltext.KindUpdate, sqltext.KindDelete:
		if plan, ok, err := p.toSequence(); ok || err != nil {
			return plan, err
		}
	}
	switch p.stmt.Kind {
	case sqltext.KindSelect:
		return p.selectPlan()
	case sqltext.KindInsert:
		return p.insertPlan()
	case sqltext.KindUpdate:
		return p.updatePlan()
	case sqltext.KindDelete:
		return p.deletePlan()
	case sqltext.KindLoadData:
		return p.loadPlan()
	case sqltext.KindDo, sqltext.KindCall:
		spread, err := p.unseen()
		if err == nil && spread {
			err = NeedsStage("a subquery over a sharded table in " + map[sqltext.StmtKind]string{sqltext.KindDo: "DO", sqltext.KindCall: "CALL"}[p.stmt.Kind])
		}
		plan := &Plan{}
		if err == nil && p.sequence {
			err = p.sequencePlan(plan, false)
		}
		// A procedure may answer with rows; who relays the packets sees it.
		return plan, err
	}
	return nil, NeedsStage("this kind of statement")
}

// selectPlan plans a query that is the statement.
func (p *planner) selectPlan() (*Plan, error) {
	q := p.stmt.Query
	u, err := p.query(q, nil)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Rows: p.stmt.Facts&sqltext.HasInto == 0, Locks: p.stmt.Facts&sqltext.HasForUpdate != 0}
	if err := p.settleAll(u); err != nil {
		return nil, err
	}
	if p.sequence {
		if err := p.sequencePlan(plan, plan.Rows); err != nil {
			return nil, err
		}
		plan.Names = p.columnNames(q, plan.Forward)
		return plan, nil
	}
	plan.Route = p.route(u)
	if !u.spread {
		return plan, nil
	}
	plan.Forward = p.names()
	plan.Names = p.columnNames(q, plan.Forward)
	if plan.Merge, plan.Stage = p.merge(u); p.fault != nil {
		return nil, p.fault
	}
	plan.Short = p.short(u, plan)
	return plan, nil
}

// columnNames are the columns of a query that have their text for a name, where splices would change that.
func (p *planner) columnNames(q *sqltext.Query, splices []Splice) []ColumnName {
	for q != nil && q.Select == nil {
		q = q.Left
	}
	if q == nil || len(splices) == 0 {
		return nil
	}
	return itemNames(q.Select.Items, func(s sqltext.Span) bool { return len(within(splices, s)) > 0 })
}

// returnedNames are such columns of a write's RETURNING.
func returnedNames(stmt *sqltext.Stmt, plan *Plan) []ColumnName {
	var items []sqltext.SelectItem
	switch {
	case stmt.Insert != nil:
		items = stmt.Insert.Items
	case stmt.Delete != nil:
		items = stmt.Delete.Items
	}
	splices := plan.Forward
	if plan.InsertSelect != nil {
		splices = plan.InsertSelect.Names
	}
	if len(items) == 0 || len(splices) == 0 {
		return nil
	}
	return itemNames(items, func(s sqltext.Span) bool { return len(within(splices, s)) > 0 })
}

// itemNames are those columns of a list that have a text for a name which is changed. Between two stars a column has no number.
func itemNames(items []sqltext.SelectItem, changed func(sqltext.Span) bool) []ColumnName {
	stars := 0
	for i := range items {
		if items[i].Star {
			stars++
		}
	}
	var out []ColumnName
	before := 0
	for i := range items {
		item := &items[i]
		if item.Star {
			before++
			continue
		}
		if item.Expr == nil || item.Alias.Tok >= 0 || !changed(item.Span) {
			continue
		}
		if _, column := unparen(item.Expr).(*sqltext.Column); column {
			continue // it is called by its last part
		}
		switch {
		case before == 0:
			out = append(out, ColumnName{Col(i), item.Span})
		case before == stars:
			out = append(out, ColumnName{Col(i - len(items)), item.Span})
		}
	}
	return out
}

// settleAll takes account of tables in text that the parser kept opaque.
func (p *planner) settleAll(u *unit) error {
	spread, err := p.unseen()
	if err != nil || !spread {
		return err
	}
	if p.alone() {
		u.settleInOne(p.single)
		return nil
	}
	u.spread = true
	u.anchor, u.bad = nil, notUnderstood
	u.comps = append(u.comps, component{})
	return nil
}

// unseen looks up the tables that the analysis has not met, or only below a name that text may use which it does not understand; spread says that one
// of them is sharded.
func (p *planner) unseen() (spread bool, err error) {
	for _, e := range p.concealed {
		for ; e != nil; e = e.up {
			spread = spread || e.unit != nil && e.unit.spread
		}
	}
	for _, t := range p.stmt.Tables {
		if p.seen[t.Span.From] || t.CTE || !inside(t.Span, p.span) {
			continue
		}
		table, _, err := p.lookup(t)
		if err != nil {
			return false, err
		}
		if table == nil {
			continue
		}
		p.useTable(t, table)
		spread = spread || table.Kind != topo.Reference && table.Kind != topo.Sequence
	}
	return spread, nil
}

// route finds the places that hold the rows of a unit.
func (p *planner) route(u *unit) Route {
	if !u.spread {
		return Route{Kind: RouteAny}
	}
	if p.readsFar() {
		return p.far.route(u)
	}
	r := Route{Kind: RouteAll, DB: p.db}
	var keys []KeyTuple
	var table *topo.Table
	one, others := false, false
	for _, c := range u.comps {
		if c.pinned && c.table != nil && c.table.Kind == topo.Single {
			one = true
			continue
		}
		others = true
		if !c.pinned || table != nil && !sameKey(table, c.table) {
			return r
		}
		table = c.table
		keys = append(keys, c.tuples...)
		if len(keys) > maxTuples {
			return r
		}
	}
	if one && !others {
		return Route{Kind: RouteOne, DB: p.db}
	}
	if one || table == nil {
		return r
	}
	if len(keys) == 0 {
		return Route{Kind: RouteOne, DB: p.db}
	}
	return Route{Kind: RouteKeys, DB: p.db, Table: table, Keys: keys}
}

// short says whether the statement reads one row by a unique key and does nothing that may wait.
func (p *planner) short(u *unit, plan *Plan) bool {
	const harmless = sqltext.HasTimeFunction | sqltext.HasSysVar | sqltext.HasDatabaseFunc
	if p.called.any || !u.inOne() && (plan.Route.Kind != RouteKeys || len(plan.Route.Keys) != 1) || p.stmt.Facts&^harmless != 0 || !p.stmt.SetStatement.Empty() ||
		u.anchor == nil || u.anchor.table == nil || len(u.sources) != 1 || u.main.sel.Limit != nil && u.main.sel.Limit.Odd {
		return false
	}
	fixed := make(map[int]bool)
	for _, c := range u.cons {
		if len(c.tuples) == 1 && !c.nullSafe {
			for _, n := range c.cols {
				fixed[n.col] = true
			}
		}
	}
	for _, key := range u.anchor.table.Unique {
		all := len(key) > 0
		for _, col := range key {
			all = all && fixed[col]
		}
		if all {
			return true
		}
	}
	return false
}

// volatileFunctions give another value at every call.
var volatileFunctions = map[string]bool{"RAND": true, "UUID": true, "UUID_SHORT": true, "SYSDATE": true, "SLEEP": true, "NEXTVAL": true,
	"SYS_GUID": true, "RANDOM_BYTES": true, "SETVAL": true, "LASTVAL": true, "UUID_V4": true, "UUID_V7": true}

func (p *planner) findVolatile() {
	if p.stmt.Facts&(sqltext.HasNondeterministic|sqltext.HasSequence|sqltext.HasStoredCall) == 0 {
		return
	}
	p.volatile = make(map[int32]bool)
	for i := range p.scan.Tokens {
		if p.scan.Tokens[i].Kind == sqltext.Word && (p.isOp(int32(i)+1, "(") || p.sess.Mode.Oracle && !p.isOp(int32(i)-1, ".")) {
			name := strings.ToUpper(p.text(int32(i)))
			p.volatile[int32(i)] = volatileFunctions[name]
			p.rownum = p.rownum || name == "ROWNUM"
		}
		if i+2 < len(p.scan.Tokens) && p.scan.Tokens[i].KW == sqltext.KwNext && p.scan.Tokens[i+1].KW == sqltext.KwValue && p.scan.Tokens[i+2].KW == sqltext.KwFor {
			p.volatile[int32(i)] = true
		}
	}
	if p.sess.Mode.Oracle {
		for _, u := range sqltext.SequenceUses(p.scan, p.sess.Mode) {
			p.volatile[u.Span.From] = true
		}
	}
}

// names are the splices that turn the client's text into a partition's: databases of sharded tables, reference tables, DATABASE().
func (p *planner) names() []Splice {
	checked := p.checked()
	if checked != nil {
		p.byView(checked)
	}
	if p.db == "" && checked == nil {
		if p.far != nil {
			return p.far.splices
		}
		return nil
	}
	out := make([]Splice, 0, len(p.renames))
	for tok, piece := range p.renames {
		out = append(out, Splice{tok, tok + 1, []Piece{piece}})
	}
	switch {
	case p.far != nil: // INSERT … SELECT from sharded to linked tables, or back
		out = append(out, p.far.splices...)
	case p.stmt.Facts&sqltext.HasDatabaseFunc != 0:
		out = append(out, p.databaseCalls()...)
	}
	if len(out) == 0 {
		return nil
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].From < out[j].From })
	return out
}

// readsFar says whether the rows that the statement reads are linked ones.
func (p *planner) readsFar() bool { return p.far != nil && p.far.query != nil }

// databaseCalls replaces DATABASE() and SCHEMA(), which would name the partition's database.
func (p *planner) databaseCalls() []Splice {
	text := "NULL"
	if p.sess.DB != "" {
		text = "'" + strings.ReplaceAll(p.sess.DB, "'", "''") + "'"
		if !p.sess.Mode.NoBackslashEscapes {
			text = strings.ReplaceAll(text, `\`, `\\`)
		}
	}
	var out []Splice
	for i := int32(0); int(i)+2 < len(p.scan.Tokens); i++ {
		if p.scan.Tokens[i].Kind != sqltext.Word || !p.isOp(i+1, "(") || !p.isOp(i+2, ")") || p.isOp(i-1, ".") {
			continue
		}
		if w := strings.ToUpper(p.text(i)); w != "DATABASE" && w != "SCHEMA" {
			continue
		}
		t := text
		if p.bare[i] == i+3 { // keep the column's name
			t += " AS " + quoted(string(p.scan.Src[p.scan.Tokens[i].Start:p.scan.Tokens[i+2].End]))
		}
		out = append(out, Splice{i, i + 3, []Piece{textPiece(t)}})
	}
	return out
}

// noteItems remembers the select items whose names are their text.
func (p *planner) noteItems(items []sqltext.SelectItem) {
	for i := range items {
		if items[i].Expr != nil && items[i].Alias.Tok < 0 {
			s := items[i].Expr.ExprSpan()
			p.bare[s.From] = s.To
		}
	}
}
