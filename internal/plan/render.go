package plan

import (
	"sort"
	"strconv"

	"github.com/orbweaver/orbweaver/internal/sqltext"
)

// Target is what a text is made for.
type Target struct {
	Schema string // PieceSchema, to be quoted
	Limit  uint64 // PieceLimit
	As     string // the name by which LOCK TABLES has locked the table that is changed, "" for its own
	// Remote are the remote tables that PieceRemote names, in the order of Linked.Tables. When it is not nil, the text is one for another server, and has no
	// comments: a server of another version may execute what is one here.
	Remote []RemoteName
}

// Render appends the statement's text with splices applied; names (Merge.Names, Insert.Names …) apply inside PieceCopy. scan is of any statement with the
// fingerprint that the plan was made for.
func Render(dst []byte, scan *sqltext.Scan, splices, names []Splice, to Target) []byte {
	if len(splices) == 0 && to.Remote == nil {
		return append(dst, scan.Src[:scan.End]...)
	}
	r := renderer{scan: scan, names: names, to: to}
	return r.run(dst, 0, scan.End, 0, int32(len(scan.Tokens)), splices)
}

// RenderSpan is Render of a part of the statement: of the query of INSERT … SELECT, of an INSERT's head, row or tail. Insertions at the
// span's end belong to it unless it is empty.
func RenderSpan(dst []byte, scan *sqltext.Scan, span sqltext.Span, splices, names []Splice, to Target) []byte {
	if span.Empty() {
		return dst
	}
	r := renderer{scan: scan, names: names, to: to}
	return r.span(dst, span, splices)
}

// ParamOrder lists, for each ? of the text that Render makes, which of the client's parameters it is: a rewrite may repeat and drop them.
func ParamOrder(scan *sqltext.Scan, splices, names []Splice) []int {
	r := renderer{scan: scan, names: names, params: []int{}}
	r.ordinals = make(map[int32]int, scan.Params)
	for i, t := range scan.Tokens {
		if t.Kind == sqltext.Param {
			r.ordinals[int32(i)] = len(r.ordinals)
		}
	}
	r.run(nil, 0, scan.End, 0, int32(len(scan.Tokens)), splices)
	return r.params
}

type renderer struct {
	scan     *sqltext.Scan
	names    []Splice
	to       Target
	params   []int // collected when ordinals is set
	ordinals map[int32]int
}

func (r *renderer) span(dst []byte, s sqltext.Span, splices []Splice) []byte {
	toks := r.scan.Tokens
	return r.run(dst, int(toks[s.From].Start), int(toks[s.To-1].End), s.From, s.To, within(splices, s))
}

// run copies the bytes [pos, end), which hold the tokens [from, to), with splices applied. An insertion goes right behind the token before it,
// so that a trailing `-- comment` can't swallow it.
func (r *renderer) run(dst []byte, pos, end int, from, to int32, splices []Splice) []byte {
	toks := r.scan.Tokens
	next := from
	for i := range splices {
		s := &splices[i]
		r.note(next, s.From)
		cut := pos
		if s.From < s.To {
			cut = int(toks[s.From].Start)
		} else if s.From > from {
			cut = int(toks[s.From-1].End)
		}
		if cut > pos {
			dst = r.bytes(dst, pos, cut)
			pos = cut
		}
		for _, p := range s.Pieces {
			dst = r.piece(dst, p)
		}
		if s.From < s.To {
			pos = int(toks[s.To-1].End)
			if i+1 == len(splices) || splices[i+1].From > s.To+1 {
				dst, pos = r.behindQuoted(dst, pos, s.To, to)
			}
		}
		next = s.To
	}
	r.note(next, to)
	if end > pos {
		dst = r.bytes(dst, pos, end)
	}
	return dst
}

// behindQuoted writes the name that begins with a digit and stands behind a splice's last name, whose place is at, in quotes as that is: `db`.1a is no name.
func (r *renderer) behindQuoted(dst []byte, pos int, at, to int32) ([]byte, int) {
	toks, src := r.scan.Tokens, r.scan.Src
	for ; at+1 < to && len(dst) > 0 && dst[len(dst)-1] == '`'; at += 2 {
		name := toks[at+1]
		if src[toks[at].Start] != '.' || name.Kind != sqltext.Word || src[name.Start] < '0' || src[name.Start] > '9' {
			break
		}
		dst = AppendQuoted(append(dst, '.'), string(src[name.Start:name.End]))
		pos = int(name.End)
	}
	return dst, pos
}

// bytes copies the client's bytes [from, to). Where the delimiter of an executable comment stands between two tokens it writes a space: the
// other delimiter might be left out. What is inside was read as executed.
func (r *renderer) bytes(dst []byte, from, to int) []byte {
	if r.to.Remote != nil {
		return r.bare(dst, from, to)
	}
	toks, src := r.scan.Tokens, r.scan.Src
	for _, m := range r.scan.ExecMarks {
		lo, hi := 0, r.scan.End
		if m > 0 {
			lo = int(toks[m-1].End)
		}
		if int(m) < len(toks) {
			hi = int(toks[m].Start)
		}
		if hi <= from || lo >= to {
			continue
		}
		if lo > from {
			dst = append(dst, src[from:lo]...)
		}
		dst = append(dst, ' ')
		if from = hi; from >= to {
			return dst
		}
	}
	return append(dst, src[from:to]...)
}

// bare is bytes without comments.
func (r *renderer) bare(dst []byte, from, to int) []byte {
	toks, src := r.scan.Tokens, r.scan.Src
	i := sort.Search(len(toks), func(i int) bool { return int(toks[i].End) > from })
	for ; i < len(toks) && int(toks[i].Start) < to; i++ {
		if start := int(toks[i].Start); start > from {
			dst = appendGap(dst, src[from:start])
			from = start
		}
		end := min(int(toks[i].End), to)
		dst = append(dst, src[from:end]...)
		from = end
	}
	if from < to && to < r.scan.End { // at the statement's end there is nothing to keep apart
		dst = appendGap(dst, src[from:to])
	}
	return dst
}

// appendGap appends what stands between tokens, when it is blank; else a blank.
func appendGap(dst, gap []byte) []byte {
	if blank(gap) {
		return append(dst, gap...)
	}
	return append(dst, ' ')
}

func (r *renderer) note(from, to int32) {
	if r.ordinals == nil {
		return
	}
	for ; from < to; from++ {
		if n, ok := r.ordinals[from]; ok {
			r.params = append(r.params, n)
		}
	}
}

func (r *renderer) piece(dst []byte, p Piece) []byte {
	if r.ordinals != nil && p.Kind != PieceCopy { // no text is wanted
		return dst
	}
	switch p.Kind {
	case PieceText:
		return append(dst, p.Text...)
	case PieceSchema:
		return AppendQuoted(dst, r.to.Schema)
	case PieceRemote:
		n := &r.to.Remote[p.Remote]
		return AppendQuoted(append(AppendQuoted(dst, n.DB), '.'), n.Table)
	case PieceCopy:
		if p.Span.Empty() {
			return dst
		}
		return r.span(dst, p.Span, r.names)
	case PieceChecked:
		return AppendQuoted(dst, CheckedName(p.Text, r.to.Schema))
	case PieceRemoteTable:
		return AppendQuoted(dst, r.to.Remote[p.Remote].Table)
	case PieceLimit:
		return strconv.AppendUint(dst, r.to.Limit, 10)
	}
	return dst
}

// AppendQuoted appends an identifier in backquotes.
func AppendQuoted(dst []byte, name string) []byte {
	dst = append(dst, '`')
	for i := 0; i < len(name); i++ {
		if name[i] == '`' {
			dst = append(dst, '`')
		}
		dst = append(dst, name[i])
	}
	return append(dst, '`')
}

// quoted is an identifier in backquotes.
func quoted(name string) string { return string(AppendQuoted(nil, name)) }

// within is the run of splices that lie in the span.
func within(splices []Splice, s sqltext.Span) []Splice {
	lo := sort.Search(len(splices), func(i int) bool { return splices[i].From >= s.From })
	hi := lo
	for hi < len(splices) && splices[hi].To <= s.To {
		hi++
	}
	return splices[lo:hi]
}
