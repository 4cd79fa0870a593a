package plan

import (
	"errors"
	"slices"
	"sort"
	"strings"

	"github.com/orbweaver/orbweaver/internal/partition"
	"github.com/orbweaver/orbweaver/internal/spider"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// Linked is what is known of a statement on linked tables.
type Linked struct {
	Tables []LinkedTable
	// Places are where the statement may have to go: one where no table has partitions, else the partitions (or subpartitions) of Table, in its order; then their copies.
	Places []LinkedPlace
	// Copies are, of each of those where a table that is written to has several links, the further ones: what is written there is written to them, too, one after
	// another in this order. nil where there are none.
	Copies [][]int
	// Table chooses among Places by its ShardKey; nil when there is one.
	Table *topo.Table
	// Terms are what is true of Table's deciding columns in all rows that the statement is about. INSERT and REPLACE of rows have none: Plan.Insert has the values.
	Terms []Term
	// Only are the places that the statement names by PARTITION (…), in order; nil for all, never empty. The remote servers don't get that clause: where Terms and
	// Only have no place in common, one of Only answers. A row of an INSERT that belongs elsewhere is error 1748.
	Only     []int
	InsertID InsertID
}

// candidates are the places that the statement may go to before its values are read.
func (k *Linked) candidates() []int {
	if k.Only != nil {
		return k.Only
	}
	all := make([]int, len(k.Places))
	for _, c := range k.Copies {
		all = all[:len(all)-len(c)]
	}
	for i := range all {
		all[i] = i
	}
	return all
}

// LinkedTable is a linked table that a statement names.
type LinkedTable struct {
	Table *topo.Table
	Alias string // how columns address it
}

// LinkedPlace is one place of the statement's tables.
type LinkedPlace struct {
	// Links lead to one account of one server. There are several where the password is written several times: they must be the same.
	Links []spider.Link
	// Names are those of Linked.Tables there.
	Names []RemoteName
	// Slot numbers the places of one server from 0: each is a connection of its own to a transaction.
	Slot int
	// ReadOnly is a table that the statement would write to there, though its definition says not to: see CheckWrite. nil for none.
	ReadOnly *topo.Table
	// Monitored are those links that are to be looked at when the server fails: see Watched.
	Monitored []Watched
}

// Watched is a link with monitoring_kind.
type Watched struct {
	Table       *topo.Table
	Place, Link int // of its Places, and of its links
}

// CheckWrite is the error for a write that reaches the place, when its tables are not to be written there.
func (p *LinkedPlace) CheckWrite() error {
	if p.ReadOnly == nil {
		return nil
	}
	return &Error{Code: codeReadOnly, State: stateGeneral, Message: "Table '" + p.ReadOnly.DB + "." + p.ReadOnly.Name + "' is read only"}
}

// RemoteName names a remote table.
type RemoteName struct{ DB, Table string }

// Term is a comparison of a deciding column with values: partition.Term before the values are read.
type Term struct {
	Column int // index of Table.ShardKey
	Op     partition.Op
	Values []Operand
}

// InsertID says whether the id that an INSERT's answer tells is a generated one, which LAST_INSERT_ID() becomes.
type InsertID uint8

// What is known of that.
const (
	InsertIDGiven     InsertID = iota // it is a value of the statement, or there is none
	InsertIDGenerated                 // the server has made it
	InsertIDAsk                       // LAST_INSERT_ID() tells, on the same connection
)

// errLinked refuses a statement on linked tables.
func errLinked(reason string) *Error {
	return &Error{Code: codeNotSupported, State: stateSyntaxOrRight, Message: "This version of Orbweaver doesn't yet support 'this statement' on linked tables: " + reason, reason: "linked tables: " + reason}
}

// linker is the planning of a statement on linked tables: what the tables are called at each place, and which places there are. A statement of one place is done
// with that; where they have partitions, the planner goes on as for sharded tables, asks for the names where it would rename databases, and for the places where
// it would look for key values.
type linker struct {
	*planner
	plan *Plan
	// target has the table that rows are inserted into, query the others; they are one unless the rows of INSERT … SELECT are taken from one place to another, by
	// the node. nil where those tables are not linked.
	target, query *Linked
	factors       map[int32]*sqltext.TableRef // by their names' first tokens
	main          map[int32]bool              // those of an UPDATE's or DELETE's own tables
	plain         bool                        // the statement is a SELECT of one table and nothing more
	bare          []int                       // those of Linked.Tables that go by their remote names, as the syntax has no alias for them
	// covered are spans that are replaced.
	covered []sqltext.Span
	splices []Splice
	// only are the places that tables name by PARTITION (…), by their names' first tokens.
	only map[int32][]int
	// members are the tables of each side: where one has several links, all must be read where they all are.
	members map[*Linked][]member
	// slots number the links of a table for its side.
	slots map[*Linked][][]int
}

// member is a table that takes part in a statement.
type member struct {
	table   *topo.Table
	written bool
}

// newLinker finds out where the linked tables of a statement are; nil when it names none.
func (p *planner) newLinker() (*linker, error) {
	if !slices.ContainsFunc(p.stmt.Tables, func(t *sqltext.TableName) bool {
		table, _, err := p.lookup(t)
		return !t.CTE && err == nil && table != nil && table.Kind == topo.Linked
	}) {
		return nil, nil
	}
	may := p.linkable
	if p.apart != "" {
		may = p.linkableApart
	}
	if err := may(); err != nil {
		return nil, err
	}
	l := &linker{planner: p, factors: map[int32]*sqltext.TableRef{}, main: map[int32]bool{}, only: map[int32][]int{},
		members: map[*Linked][]member{}, slots: map[*Linked][][]int{}, plan: &Plan{
			Linked: &Linked{}, Route: Route{Kind: RouteLinked}, Locks: p.stmt.Facts&sqltext.HasForUpdate != 0,
		}}
	if err := l.sides(); err != nil || l.target == nil && l.query == nil {
		return nil, err
	}
	for _, f := range sqltext.Factors(p.stmt) {
		l.factors[f.Table.Span.From] = f
	}
	if err := l.statement(); err != nil {
		return nil, err
	}
	if l.plan.Writes && l.plan.Locks {
		return nil, errLinked("FOR UPDATE or LOCK IN SHARE MODE within a write")
	}
	if err := l.gather(); err != nil {
		return nil, err
	}
	for _, t := range p.stmt.Tables {
		if k := l.side(t.Span.From); !t.CTE && k != nil {
			if err := l.table(k, t); err != nil {
				return nil, err
			}
		}
	}
	if l.target != nil {
		if err := l.copies(l.target); err != nil {
			return nil, err
		}
	}
	for i := range l.bare {
		for j := range l.bare[:i] {
			if l.sameRemote(l.bare[i], l.bare[j]) {
				return nil, errLinked("a DELETE from two tables that have one name there, or from one twice")
			}
		}
	}
	l.shape()
	if err := l.qualifiers(); err != nil {
		return nil, err
	}
	if err := l.databases(); err != nil {
		return nil, err
	}
	sort.SliceStable(l.splices, func(i, j int) bool { return l.splices[i].From < l.splices[j].From })
	return l, nil
}

// split says whether what is read and what is written is not in one.
func (l *linker) split() bool { return l.target != l.query }

// whole is the plan of a statement that one place does.
func (l *linker) whole() *Plan {
	l.plan.Forward = l.splices
	l.plan.Names = l.names()
	l.plan.Short = l.short()
	return l.plan
}

// complete adds to a plan that was made as for sharded tables what only linked ones have.
func (l *linker) complete(plan *Plan, err error) (*Plan, error) {
	if err != nil {
		var e *Error
		if errors.As(err, &e) && e.Code == codeNotSupported {
			err = &Error{Code: e.Code, State: e.State, Message: partWords.Replace(e.Message), reason: partWords.Replace(e.reason)}
		}
		return nil, err
	}
	plan.Stage = partWords.Replace(plan.Stage)
	if plan.InsertSelect != nil {
		plan.InsertSelect.Plan.Stage = partWords.Replace(plan.InsertSelect.Plan.Stage)
	}
	if plan.Route.Kind != RouteLinked { // it does not read them: WITH … that nobody names
		return plan, nil
	}
	plan.Linked = l.plan.Linked
	plan.Names = l.names()
	plan.Short = l.short()
	if plan.Linked.Copies != nil && plan.Merge != nil {
		return nil, errLinked("RETURNING of a write to several partitions with several links")
	}
	for _, n := range plan.Linked.candidates() {
		if err = plan.Linked.Places[n].CheckWrite(); err == nil {
			return plan, nil
		}
	}
	return nil, err
}

// partWords turns reasons that speak of sharded tables into ones that speak of partitions.
var partWords = strings.NewReplacer("the whole shard key", "all partitioning columns", "the shard key column", "the partitioning column", "the shard key or", "the partitioning or",
	"shard key column", "partitioning column", "shard key or", "partitioning or", "the shard key", "the partitioning columns", "sharded table", "partitioned table", "rows that are sharded", "rows that are partitioned")

// linkable refuses what would mean something else at another server, or reach what the client's account has no right to there.
func (p *planner) linkable() error { return p.linkableBut(0) }

// linkableBut is linkable for a statement of which some facts do not matter: another server gets nothing of it.
func (p *planner) linkableBut(facts sqltext.Facts) error {
	switch f := p.stmt.Facts &^ facts; {
	case !p.stmt.SetStatement.Empty():
		return errLinked("SET STATEMENT")
	case f&sqltext.HasStoredCall != 0, p.called.any && facts&sqltext.HasStoredCall == 0:
		return errLinked("a stored function, which would be the remote server's")
	case f&sqltext.HasSequence != 0:
		return errLinked("a sequence, which would be the remote server's")
	case f&sqltext.HasLockFunction != 0:
		return errLinked("a lock, which would be the remote server's")
	case f&(sqltext.HasSysVar|sqltext.HasPlaceFunction) != 0:
		return errLinked("a variable or function that tells of the server or the account, which would be the remote one")
	case f&sqltext.HasSystemTime != 0:
		return errLinked("FOR SYSTEM_TIME and FOR PORTION OF")
	case f&sqltext.HasProcedureAnalyse != 0:
		return errLinked("PROCEDURE ANALYSE")
	}
	for i := range p.scan.Tokens {
		if p.scan.Tokens[i].Kind != sqltext.Word {
			continue
		}
		switch w := strings.ToUpper(p.text(int32(i))); {
		case w == "LOAD_FILE" && p.isOp(int32(i)+1, "("), w == "OUTFILE", w == "DUMPFILE":
			return errLinked("a file, which would be the remote server's")
		}
	}
	return nil
}

// statement looks at the statement's form.
func (l *linker) statement() error {
	st := l.stmt
	switch st.Kind {
	case sqltext.KindSelect:
		l.plan.Rows = st.Facts&sqltext.HasInto == 0
		q := st.Query
		l.plain = len(l.factors) == 1 && q.Select != nil && q.With == nil && len(q.Select.From) == 1 && q.Select.From[0].Table != nil && !capturing(q.Select)
		if l.plan.Locks && !l.plain {
			return errLinked("a locking read of more than one table, or with aliases in GROUP BY, HAVING or an expression of ORDER BY")
		}
	case sqltext.KindInsert:
		l.plan.Writes, l.plan.Rows = true, !st.Insert.Returning.Empty()
	case sqltext.KindUpdate:
		l.plan.Writes = true
		return l.ownTables(st.Update.From)
	case sqltext.KindDelete:
		l.plan.Writes, l.plan.Frees, l.plan.Rows = true, true, !st.Delete.Returning.Empty()
		return l.ownTables(st.Delete.From)
	case sqltext.KindLoadData:
		l.plan.Writes = true
		if t, _, err := l.lookup(st.Load.Table); err != nil || t == nil || t.Kind != topo.Linked {
			return errLinked("LOAD DATA into another table beside one")
		}
	default:
		return errLinked("only SELECT, INSERT, REPLACE, UPDATE, DELETE and LOAD DATA can be served")
	}
	return nil
}

// capturing says whether a column that the remote table has besides could take the place of an alias.
func capturing(s *sqltext.Select) bool {
	names := func(e sqltext.Expr) bool {
		return anyExpr(e, func(x sqltext.Expr) bool {
			c, ok := x.(*sqltext.Column)
			return isSubquery(x) || ok && c.Table.Tok < 0 && slices.ContainsFunc(s.Items, func(it sqltext.SelectItem) bool {
				return it.Alias.Tok >= 0 && strings.EqualFold(it.Alias.Text, c.Name.Text)
			})
		})
	}
	byAlias := func(o sqltext.OrderItem) bool { return names(o.Expr) }
	return slices.ContainsFunc(s.Group, byAlias) || names(s.Having) || slices.ContainsFunc(s.Order, func(o sqltext.OrderItem) bool {
		_, alone := o.Expr.(*sqltext.Column) // by itself an alias comes before columns there, in an expression after them
		return !alone && byAlias(o)
	})
}

// ownTables notes the tables of an UPDATE or DELETE, which are named as they are: a NATURAL JOIN would see all of their columns.
func (l *linker) ownTables(from []sqltext.TableRef) (err error) {
	sqltext.WalkTables(from, func(r *sqltext.TableRef) {
		if r.Table != nil {
			l.main[r.Table.Span.From] = true
		}
		if r.Join != nil && r.Join.Kind >= sqltext.NaturalJoin {
			err = errLinked("a NATURAL JOIN in a write")
		}
	})
	return err
}
