package compound

// node is one statement of a body.
type node interface {
	// at is where its text is, without the semicolon behind it.
	at() span
}

// span is a run of the body's tokens, and whether all that is in it can be computed by a leaf.
type span struct {
	from, to int32
	// pure: the text changes nothing but variables, sends nothing to the client and touches no table: a leaf may compute it, twice too.
	pure bool
	// open: it may leave for a label that is further out.
	open bool
}

// whole says whether a leaf may run it as it is.
func (s span) whole() bool { return s.pure && !s.open }

func (s span) at() span { return s }

// expr is an expression of the body.
type expr struct {
	*piece
	// alone: a leaf can compute it from the variables it names.
	alone bool
}

type (
	// block is BEGIN … END. Its declarations and statements are run in their order.
	block struct {
		span
		label string
		items []node
	}
	// declare is DECLARE of variables.
	declare struct {
		span
		vars []string // as they are written
		spec
		value *expr // nil: NULL
	}
	// condition is DECLARE name CONDITION FOR value.
	condition struct {
		span
		name  string
		value match
		text  string // of the value
	}
	// handler is DECLARE … HANDLER FOR.
	handler struct {
		span
		exit  bool
		for_  []match
		names []string // of conditions, which stand for matches that are looked up when it is declared
		body  node
	}
	// cursor is DECLARE name CURSOR FOR query.
	cursor struct {
		span
		name   string
		params []param
		query  *statement
	}
	// set is one assignment of SET to a variable of the program or of the user.
	set struct {
		span
		local string // "" for a user variable
		field string // of a ROW
		user  string // as written, with its @
		value expr
	}
	// choice is IF, and CASE.
	choice struct {
		span
		subject *expr // of CASE x WHEN
		arms    []arm
		other   []node // ELSE
		isCase  bool
		hasElse bool
	}
	arm struct {
		when expr
		do   []node
	}
	// loop is LOOP, WHILE, REPEAT.
	loop struct {
		span
		label string
		while *expr // nil: none
		until *expr // nil: none
		do    []node
	}
	// count is FOR name IN a..b.
	count struct {
		span
		label        string
		name         string
		reverse      bool
		lower, upper expr
		do           []node
	}
	// leave is LEAVE and ITERATE.
	leave struct {
		span
		label string
		again bool
	}
	// statement is one that is not the program's own: on tables, or on the session.
	statement struct {
		span
		*piece
		into []target // the variables of SELECT … INTO, whose text has no INTO any more
		// emit: a SELECT that a leaf can compute from the variables alone.
		emit bool
	}
	// target is what takes a value: a variable of the program or of the user.
	target struct{ local, field, user string }
	// fetch is FETCH, open OPEN and CLOSE.
	fetch struct {
		span
		cursor string
		into   []target
	}
	open struct {
		span
		cursor string
		args   []expr
		close  bool
	}
	// signal is SIGNAL and RESIGNAL.
	signal struct {
		span
		again bool // RESIGNAL
		plain bool // with nothing else
		// named: it begins with a condition, not with SET.
		named bool
		// condition is the name of a declared one.
		condition string
	}
	// diagnostics is GET DIAGNOSTICS.
	diagnostics struct {
		span
		number *expr // CONDITION n; nil for the statement's
		items  []item
	}
	item struct {
		to   target
		what string // in upper case
	}
)

// told is the token whose line MariaDB tells of a node that fails: what follows it, which it has read by then; of what has others in it, here, the first.
func (in *interpreter) told(n node) int32 {
	switch n.(type) {
	case *block, *choice, *loop, *count, *each:
		return n.at().from
	}
	return min(n.at().to, int32(len(in.prog.scan.Tokens))-1)
}
