package sqltext

// Server is CREATE, ALTER and DROP SERVER. Names have Tok -1 where they are absent; a leaf says what is wrong with a text in which they are.
type Server struct {
	Name    Name
	Wrapper Name // CREATE
	Options []ServerOption
	// OptionsSpan is ( … ) with its brackets.
	OptionsSpan Span
}

// ServerOption is one option of a server.
type ServerOption struct {
	Span  Span
	Name  string // upper case: HOST, DATABASE, USER, PASSWORD, SOCKET, OWNER, PORT
	Value Name   // the token with the value, which for PORT is a number
}

// Password is the option that holds the password, nil when there is none. It may be written once only.
func (s *Server) Password() *ServerOption {
	for i := range s.Options {
		if s.Options[i].Name == "PASSWORD" {
			return &s.Options[i]
		}
	}
	return nil
}

// server reads what follows CREATE|ALTER|DROP SERVER.
func (p *parser) server(d *DDL) {
	d.Object = "SERVER"
	p.pos++
	from := p.pos
	p.existence(d)
	s := &Server{Wrapper: noName}
	d.Server = s
	s.Name = p.serverName()
	if p.acceptSeq(KwForeign, KwData, KwWrapper) {
		s.Wrapper = p.serverName()
	}
	if p.accept(KwOptions) && p.isOp('(') {
		p.serverOptions(s)
	}
	p.pos = p.end
	p.serverSecrets(from, s)
}

func (p *parser) serverName() Name {
	n, ok := p.quotedOrName()
	if !ok {
		return noName
	}
	return n
}

// serverOptions reads ( HOST 'h', PORT 1, … ).
func (p *parser) serverOptions(s *Server) {
	from := p.pos
	p.pos++
	for !p.done() && !p.isOp(')') {
		o := ServerOption{Name: p.word(0), Value: noName}
		start := p.pos
		p.pos++
		switch p.tok().Kind {
		case String, Number, Hex:
			o.Value = p.nameAt(p.pos)
			p.pos++
		}
		o.Span = p.span(start)
		if o.Name != "" && o.Value.Tok >= 0 && (p.isOp(',') || p.isOp(')')) {
			s.Options = append(s.Options, o)
		}
		p.skipTo(true)
		p.acceptOp(',')
	}
	p.acceptOp(')')
	s.OptionsSpan = p.span(from)
}

// openServerWords are the words behind which a text in a statement on servers may be shown.
var openServerWords = map[string]bool{
	"SERVER": true, "EXISTS": true, "WRAPPER": true, "HOST": true, "PORT": true, "DATABASE": true, "USER": true, "SOCKET": true, "OWNER": true,
}

// serverSecrets lists the tokens from a place on that are not to be shown: all that follows PASSWORD up to the comma or bracket, and texts behind anything
// that is not known to be harmless. So a password is found in a text that is wrong, too.
func (p *parser) serverSecrets(from int32, s *Server) {
	for i := from; i < p.end; i++ {
		t := p.toks[i]
		before := ""
		if b := p.toks[i-1]; b.Kind == Word && i-1 != s.Name.Tok && i-1 != s.Wrapper.Tok {
			before = upper(string(p.src[b.Start:b.End]))
		}
		switch {
		case before == "PASSWORD":
			start := i
			for i < p.end && !(p.toks[i].Kind == Op && (p.toks[i].Op == ',' || p.toks[i].Op == ')')) {
				i++
			}
			if i > start {
				p.st.Secrets = append(p.st.Secrets, Span{start, i})
			}
		case t.Kind == String && !openServerWords[before]:
			p.st.Secrets = append(p.st.Secrets, Span{i, i + 1})
		}
	}
}
