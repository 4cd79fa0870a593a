package sqltext

import "strings"

// show reads SHOW. What holds its words up to the first name, LIKE or WHERE.
func (p *parser) show() {
	sh := &Show{DB: noName, Server: noName}
	p.st.Kind, p.st.Show = KindShow, sh
	p.pos++
	var words []string
	object := ""
	for p.tok().Kind == Word && !p.endsShowWords() {
		w := p.word(0)
		words = append(words, w)
		p.pos++
		if object = showObject(words); object != "" {
			break
		}
	}
	sh.What = strings.Join(words, " ")
	switch object {
	case "table":
		sh.Table, _ = p.table()
	case "server":
		sh.Server = p.serverName()
	case "name":
		if p.seq(KwIf, KwNot, KwExists) {
			p.pos += 3
		}
		if t, ok := p.tableName(); ok {
			sh.Table = t
			if sh.What == "CREATE DATABASE" || sh.What == "CREATE SCHEMA" {
				sh.DB, sh.Table = t.Name, nil
			}
		}
	}
	for {
		switch {
		case p.is(KwFrom) || p.is(KwIn) || p.is(KwOn):
			p.showFrom(sh)
			continue
		}
		break
	}
	sh.Rest = Span{p.pos, p.end}
	if p.is(KwWhere) {
		p.pos++
		p.sweep()
	}
	p.pos = p.end
}

func (p *parser) endsShowWords() bool {
	switch p.tok().KW {
	case KwFrom, KwIn, KwOn, KwLike, KwWhere, KwFor, KwLimit:
		return true
	}
	return false
}

// showObject says whether a name follows these words: of a table, or of something else that is named like one.
func showObject(words []string) string {
	if words[0] != "CREATE" || len(words) < 2 {
		return ""
	}
	switch words[len(words)-1] {
	case "TABLE", "VIEW", "SEQUENCE":
		return "table"
	case "SERVER":
		return "server"
	case "PACKAGE":
		return ""
	}
	return "name"
}

// showFrom reads FROM t [FROM db], FROM db.t, or FROM db, as the kind of SHOW has it.
func (p *parser) showFrom(sh *Show) {
	p.pos++
	ofTable := false
	for _, w := range []string{"COLUMNS", "FIELDS", "INDEX", "INDEXES", "KEYS"} {
		ofTable = ofTable || strings.HasSuffix(sh.What, w)
	}
	if ofTable && sh.Table == nil {
		sh.Table, _ = p.table()
		return
	}
	n, ok := p.anyName()
	if !ok {
		p.pos = min(p.pos+1, p.end)
		return
	}
	sh.DB = n
	if sh.Table != nil && sh.Table.DB.Tok < 0 { // COLUMNS FROM t FROM db
		sh.Table.DB = n
	}
}
