package sqltext

// function reads what follows the name in CREATE FUNCTION, as strictly as a trigger: its parameters are variables, NEW and OLD are names like others.
func (p *parser) function(d *DDL) {
	t := &Trigger{}
	d.Function = t
	r := &triggerReader{parser: p, t: t, function: true}
	r.read(func() bool { return r.parameters() && r.returns() && r.characteristics() })
}

// parameters reads ([IN] name type, …).
func (r *triggerReader) parameters() bool {
	if !r.acceptOp('(') {
		return r.odd("")
	}
	for !r.acceptOp(')') {
		r.accept(KwIn)
		n, ok := r.name()
		if !ok {
			return r.odd("a parameter that is not IN")
		}
		if !r.typeName() {
			return false
		}
		r.scope = append(r.scope, lower(n.Text))
		r.t.Vars = append(r.t.Vars, lower(n.Text))
		if !r.acceptOp(',') && !r.isOp(')') {
			return r.odd("")
		}
	}
	return true
}

func (r *triggerReader) returns() bool {
	if r.word(0) != "RETURNS" {
		return r.odd("")
	}
	r.pos++
	return r.typeName()
}

// typeAttributes may follow a type's name; true: with a name of their own.
var typeAttributes = map[string]bool{"UNSIGNED": false, "SIGNED": false, "ZEROFILL": false, "PRECISION": false, "VARYING": false, "BINARY": false, "ASCII": false, "UNICODE": false,
	"CHARSET": true, "COLLATE": true}

// typeName takes the name of a type with what belongs to it.
func (r *triggerReader) typeName() bool {
	if r.tok().Kind != Word || r.is(KwRow) || r.is(KwType) {
		return r.odd("")
	}
	r.pos++
	if r.isOp('(') {
		r.skipBracket()
	}
	for {
		named, ok := typeAttributes[r.word(0)]
		if r.word(0) == "CHARACTER" && r.word(1) == "SET" {
			r.pos++
			named, ok = true, true
		}
		if !ok {
			return true
		}
		r.pos++
		if named {
			if r.done() {
				return r.odd("")
			}
			r.pos++
		}
	}
}

// characteristics takes DETERMINISTIC, READS SQL DATA and the like.
func (r *triggerReader) characteristics() bool {
	for {
		n := int32(0)
		switch r.word(0) {
		case "DETERMINISTIC":
			n = 1
		case "NOT", "LANGUAGE", "CONTAINS", "NO", "COMMENT":
			n = 2
		case "READS", "MODIFIES", "SQL":
			n = 3
		default:
			return true
		}
		r.pos = min(r.pos+n, r.end)
	}
}
