package sqltext

// EventClauses is what CREATE EVENT and ALTER EVENT say besides the schedule.
type EventClauses struct {
	// Status is ENABLE, DISABLE or DISABLE ON SLAVE; where there is none, the empty span at which one may be written.
	Status Span
	// Schedule: it says when the event is run.
	Schedule bool
	// RenameTo is the name that ALTER EVENT … RENAME TO gives, nil for none.
	RenameTo *TableName
	// Body is the statement behind DO; empty for none.
	Body Span
}

// ReadEvent finds the clauses of a statement on an event. Its text may be any that MariaDB accepts: what is no event's is not looked for.
func ReadEvent(scan *Scan, stmt *Stmt) EventClauses {
	toks := scan.Tokens
	end := stmt.Span.To
	kw := func(i int32) Keyword {
		if i >= end || toks[i].Kind != Word {
			return 0
		}
		return toks[i].KW
	}
	c := EventClauses{Status: Span{end, end}, Body: Span{end, end}}
	put := int32(-1) // where a status goes that is not there: the order of the clauses is fixed
	depth := 0
	for i := stmt.DDL.Program.Span.To; i < end; i++ {
		if toks[i].Kind == Op {
			switch toks[i].Op {
			case '(':
				depth++
			case ')':
				depth--
			}
			continue
		}
		if depth > 0 {
			continue
		}
		switch kw(i) {
		case KwRename:
			if kw(i+1) != KwTo {
				continue
			}
			if c.RenameTo = nameIn(scan, i+2, end); c.RenameTo != nil {
				i = c.RenameTo.Span.To - 1
			}
		case KwSchedule:
			c.Schedule = true
		case KwEnable:
			c.Status = Span{i, i + 1}
		case KwDisable:
			c.Status = Span{i, i + 1}
			if kw(i+1) == KwOn && (kw(i+2) == KwSlave || kw(i+2) == KwReplica) {
				c.Status.To += 2
				i += 2
			}
		case KwComment:
			if put < 0 {
				put = i
			}
		case KwDo:
			if put < 0 {
				put = i
			}
			c.Body = Span{i + 1, end}
			i = end
		}
	}
	if c.Status.Empty() && put >= 0 {
		c.Status = Span{put, put}
	}
	return c
}

// nameIn reads [db.]name at a token; nil when there is none.
func nameIn(scan *Scan, at, end int32) *TableName {
	name := func(i int32) (Name, bool) {
		if i >= end || !isName(scan.Tokens[i]) {
			return Name{Tok: -1}, false
		}
		return Name{Tok: i, Text: string(Unquote(nil, scan.Tokens[i], scan.Src, scan.mode))}, true
	}
	n, ok := name(at)
	if !ok {
		return nil
	}
	t := &TableName{DB: Name{Tok: -1}, Name: n, Span: Span{at, at + 1}}
	if at+1 < end && scan.Tokens[at+1].Kind == Op && scan.Tokens[at+1].Op == '.' {
		if of, ok := name(at + 2); ok {
			t.DB, t.Name, t.Span.To = n, of, at+3
		}
	}
	return t
}
