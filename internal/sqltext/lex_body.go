package sqltext

// bodyHead is how many tokens may come before a stored program shows itself: CREATE OR REPLACE DEFINER = `a`@`b` AGGREGATE FUNCTION.
const bodyHead = 12

// bodyTracker knows which semicolons belong to the body of a stored program or a compound statement. MariaDB's parser finds a statement's
// end by its grammar; this follows just the words that open and close blocks.
type bodyTracker struct {
	watch  bool // the text may be, or is, a stored program or a compound statement
	active bool // the text is a stored program or a compound statement
	begun  bool // the header is over: blocks may open
	// handler is set between DECLARE … HANDLER FOR and the statement that follows the conditions, which may be a block.
	handler bool
	// oracle: in the mode ORACLE it is a program, whose blocks are others: all of the text is taken for it.
	oracle bool
	blocks []block
	parens int // that are open in the header
}

// block is what an END closes.
type block uint8

const (
	blockBegin block = iota
	blockIf
	blockCase     // the statement
	blockCaseExpr // the expression
	blockLoop
	blockWhile
	blockFor
	blockRepeat
	blockUntil // REPEAT after its UNTIL
)

// holdsSemicolon says whether a ';' at the lexer's place belongs to the statement.
func (b *bodyTracker) holdsSemicolon() bool { return b.active && len(b.blocks) > 0 }

// token looks at the last of the tokens.
func (b *bodyTracker) token(tokens []Token) {
	n := len(tokens)
	t := tokens[n-1]
	if n == 1 {
		b.oracle = t.KW == KwBegin || t.KW == KwDeclare || t.Kind == Op && t.Op == opShiftL
		switch t.KW {
		case KwCreate, KwAlter, KwBegin, KwIf, KwCase, KwLoop, KwWhile, KwRepeat, KwFor:
			b.watch = true
		default:
			return
		}
	}
	if !b.active {
		b.start(tokens, t.KW)
		b.watch = b.active || n < bodyHead
		return
	}
	if !b.begun && t.Kind == Op {
		switch t.Op {
		case '(':
			b.parens++
		case ')':
			b.parens--
		}
	}
	if t.Kind != Word || t.KW == 0 {
		return
	}
	var prev, before Token
	if n > 1 {
		prev = tokens[n-2]
	}
	if n > 2 {
		before = tokens[n-3]
	}
	b.word(t.KW, prev, before.KW)
}

// start sets active when the words so far can only begin a stored program or a compound statement.
func (b *bodyTracker) start(tokens []Token, kw Keyword) {
	first := tokens[0]
	switch first.KW {
	case KwCreate, KwAlter:
		switch kw {
		case KwProcedure, KwFunction, KwTrigger, KwEvent, KwPackage:
			b.active = len(tokens) > 1 && createHead(tokens)
			b.oracle = b.active
		}
	case KwBegin:
		if kw == KwAtomic && len(tokens) == 3 && tokens[1].KW == KwNot {
			b.active, b.begun = true, true
			b.blocks = append(b.blocks, blockBegin)
		}
	case KwIf, KwCase, KwLoop, KwWhile, KwRepeat, KwFor:
		if len(tokens) == 1 {
			b.active, b.begun = true, true
			b.word(kw, Token{Kind: Op, Op: ';'}, 0)
		}
	}
}

// createHead says whether the tokens between CREATE and the object's kind are those of a stored program.
func createHead(tokens []Token) bool {
	for _, t := range tokens[1 : len(tokens)-1] {
		switch t.KW {
		case KwOr, KwReplace, KwDefiner, KwAggregate, KwCurrentUser, KwCurrentRole, 0:
		default:
			return false
		}
	}
	return true
}

// opens says whether a statement may begin after prev.
func opens(prev Token) bool {
	if prev.Kind == Op {
		return prev.Op == ';' || prev.Op == ':'
	}
	switch prev.KW {
	case KwBegin, KwThen, KwElse, KwDo, KwLoop, KwRepeat, KwAtomic:
		return true
	}
	return false
}

func (b *bodyTracker) word(kw Keyword, prev Token, before Keyword) {
	top := block(255)
	if len(b.blocks) > 0 {
		top = b.blocks[len(b.blocks)-1]
	}
	if prev.KW == KwEnd && prev.Kind == Word { // END IF, END CASE …
		switch kw {
		case KwIf, KwCase, KwLoop, KwWhile, KwRepeat, KwFor:
			return
		}
	}
	if kw == KwRow && prev.KW == KwEach && before == KwFor { // of a trigger's header, whatever its table is called
		b.begun, b.blocks = false, b.blocks[:0]
		return
	}
	if !b.begun {
		if b.parens > 0 || kw == KwSet && (prev.KW == KwCharacter || prev.KW == KwChar || prev.KW == KwReturns) { // of a parameter, or a type
			return
		}
		switch kw {
		case KwSelect, KwInsert, KwUpdate, KwDelete, KwSet, KwCall, KwReturn, KwWith, KwValues, KwSignal, KwTruncate, KwReplace, KwCreate, KwDrop, KwAlter:
			// MODIFIES … DATA, BEFORE INSERT ON and the like stand in headers too, without opening the body.
			b.begun = kw != KwInsert && kw != KwUpdate && kw != KwDelete
			return
		case KwBegin:
			if prev.Kind == Op && prev.Op != ')' && prev.Op != ':' {
				return // a parameter
			}
			switch prev.KW {
			case KwOn, KwProcedure, KwFunction, KwTrigger, KwEvent, KwExists, KwFollows, KwPrecedes, KwBody, KwPackage, KwIn, KwOut, KwInout:
				return
			}
			b.begun = true
			b.blocks = append(b.blocks, blockBegin)
			return
		case KwIf:
			switch prev.KW {
			case KwProcedure, KwFunction, KwTrigger, KwEvent, KwPackage, KwBody: // IF NOT EXISTS
			default:
				b.blocks = append(b.blocks[:0], blockIf)
			}
			return
		case KwCase:
			b.begun = true
			b.blocks = append(b.blocks, blockCase)
			return
		case KwFor:
			b.begun = true
			b.blocks = append(b.blocks, blockFor)
			return
		case KwThen: // of the IF that is the body
			b.begun = true
		}
	}
	start := opens(prev) || !b.begun
	if b.handler && kw != KwValue && prev.KW != KwFor && !(prev.Kind == Op && prev.Op == ',') { // these two precede a condition's name
		start, b.handler = true, false
	}
	switch kw {
	case KwBegin:
		if start {
			b.blocks = append(b.blocks, blockBegin)
		}
	case KwIf:
		if start {
			b.blocks = append(b.blocks, blockIf)
		}
	case KwCase:
		if start {
			b.blocks = append(b.blocks, blockCase)
		} else {
			b.blocks = append(b.blocks, blockCaseExpr)
		}
	case KwLoop:
		if start {
			b.begun = true
			b.blocks = append(b.blocks, blockLoop)
		}
	case KwWhile:
		if start {
			b.begun = true
			b.blocks = append(b.blocks, blockWhile)
		}
	case KwFor:
		if start {
			b.blocks = append(b.blocks, blockFor)
		}
		b.handler = prev.KW == KwHandler
	case KwRepeat:
		if start {
			b.begun = true
			b.blocks = append(b.blocks, blockRepeat)
		}
	case KwUntil:
		if top == blockRepeat && opens(prev) {
			b.blocks[len(b.blocks)-1] = blockUntil
		}
	case KwEnd:
		if len(b.blocks) == 0 {
			return
		}
		if top == blockCaseExpr || top == blockUntil || opens(prev) {
			b.blocks = b.blocks[:len(b.blocks)-1]
		}
	}
}
