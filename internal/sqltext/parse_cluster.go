package sqltext

import (
	"strconv"
	"strings"
)

// Cluster is a statement on the cluster itself, which no MariaDB knows. Names have Tok -1 where they are absent.
type Cluster struct {
	// Verb is ADD LEAF, REMOVE LEAF, ATTACH LEAF, ATTACH ALL LEAVES, DETACH LEAF, REBALANCE, REBALANCE ALL, RESTORE REDUNDANCY, CLEAR ORPHANS,
	// CREATE|DROP|ATTACH|DETACH|COPY|PROMOTE PARTITION, PROMOTE AGGREGATOR, SET AGGREGATOR, CANCEL, CANCEL REBALANCE, RESTART LEAVES, BACKUP, RESTORE,
	// SHOW LEAVES, SHOW AGGREGATORS, SHOW PARTITIONS, SHOW CLUSTER STATUS, SHOW REBALANCE STATUS, SHOW DATABASES EXTENDED, SHOW TRANSACTION STATUS.
	Verb     string
	Explain  bool
	User     Name // ADD LEAF
	Password Name // never to be printed
	Host     Name // of a leaf or a node
	Port     int  // 0 when absent
	Group    int  // 0 when absent
	DB       Name
	Ordinal  int
	As       Name   // RESTORE DATABASE d AS n
	Path     Name   // BACKUP, RESTORE
	Trx      Name   // SHOW TRANSACTION STATUS
	ID       uint64 // CANCEL
	Rest     Span   // LIKE … or WHERE … of a SHOW

	Force, Kill, Full, NoRebalance, Extended bool
	// BadTok is where the text stops being such a statement (it may be one past the last token), -1 when it is one.
	BadTok int32
}

// clusterVerbs are the statements on the cluster itself by their first two words; what they are called, and how they go on.
var clusterVerbs = map[[2]string]struct {
	verb string
	rest func(*parser, *Cluster) bool
}{
	{"ADD", "LEAF"}:             {"ADD LEAF", (*parser).addLeaf},
	{"REMOVE", "LEAF"}:          {"REMOVE LEAF", (*parser).someLeaf},
	{"ATTACH", "LEAF"}:          {"ATTACH LEAF", (*parser).someLeaf},
	{"DETACH", "LEAF"}:          {"DETACH LEAF", (*parser).someLeaf},
	{"REBALANCE", "PARTITIONS"}: {"REBALANCE", (*parser).onDatabase},
	{"REBALANCE", "ALL"}:        {"REBALANCE ALL", (*parser).allDatabases},
	{"RESTORE", "REDUNDANCY"}:   {"RESTORE REDUNDANCY", (*parser).onDatabase},
	{"CLEAR", "ORPHAN"}:         {"CLEAR ORPHANS", (*parser).orphanDatabases},
	{"CREATE", "PARTITION"}:     {"CREATE PARTITION", (*parser).onePartition},
	{"DROP", "PARTITION"}:       {"DROP PARTITION", (*parser).onePartition},
	{"ATTACH", "PARTITION"}:     {"ATTACH PARTITION", (*parser).onePartition},
	{"DETACH", "PARTITION"}:     {"DETACH PARTITION", (*parser).onePartition},
	{"COPY", "PARTITION"}:       {"COPY PARTITION", (*parser).onePartition},
	{"PROMOTE", "PARTITION"}:    {"PROMOTE PARTITION", (*parser).onePartition},
	{"PROMOTE", "AGGREGATOR"}:   {"PROMOTE AGGREGATOR", (*parser).promoteAggregator},
	{"AGGREGATOR", "SET"}:       {"SET AGGREGATOR", (*parser).setAggregator},
	{"CANCEL", ""}:              {"CANCEL", (*parser).cancelCommand},
	{"CANCEL", "REBALANCE"}:     {"CANCEL REBALANCE", (*parser).onDatabase},
	{"RESTART", "LEAVES"}:       {"RESTART LEAVES", nil},
	{"BACKUP", "DATABASE"}:      {"BACKUP", (*parser).archive},
	{"RESTORE", "DATABASE"}:     {"RESTORE", (*parser).archive},
	{"SHOW", "LEAVES"}:          {"SHOW LEAVES", (*parser).showRest},
	{"SHOW", "AGGREGATORS"}:     {"SHOW AGGREGATORS", (*parser).showCluster},
	{"SHOW", "PARTITIONS"}:      {"SHOW PARTITIONS", (*parser).showCluster},
	{"SHOW", "CLUSTER"}:         {"SHOW CLUSTER STATUS", (*parser).showStatus},
	{"SHOW", "REBALANCE"}:       {"SHOW REBALANCE STATUS", (*parser).showStatus},
	{"SHOW", "TRANSACTION"}:     {"SHOW TRANSACTION STATUS", (*parser).showTransaction},
	{"SHOW", "DATABASES"}:       {"SHOW DATABASES EXTENDED", (*parser).showExtended},
	{"SHOW", "SCHEMAS"}:         {"SHOW DATABASES EXTENDED", (*parser).showExtended},
}

// explained are the verbs that EXPLAIN can stand before.
var explained = map[string]bool{
	"REMOVE LEAF": true, "ATTACH LEAF": true, "DETACH LEAF": true, "REBALANCE": true, "REBALANCE ALL": true, "RESTORE REDUNDANCY": true,
	"CLEAR ORPHANS": true,
}

// cluster reads a statement on the cluster itself; false when the words are not the beginning of one. One that goes on as none does is one all the
// same, with BadTok where it goes wrong: a leaf would say so of its first word.
func (p *parser) cluster() bool {
	from := p.pos
	c := &Cluster{User: noName, Password: noName, Host: noName, DB: noName, As: noName, Path: noName, Trx: noName, BadTok: -1}
	c.Explain = p.accept(KwExplain)
	first, second := p.word(0), p.word(1)
	if first == "CANCEL" && p.peek(1).Kind == Number {
		second = ""
	}
	v, ok := clusterVerbs[[2]string{first, second}]
	if !ok || first == "SHOW" && c.Explain || second == "DATABASES" && !p.isAt(2, KwExtended) || second == "SCHEMAS" && !p.isAt(2, KwExtended) ||
		first == "SHOW" && second == "CLUSTER" && p.word(2) != "STATUS" || first == "BACKUP" && c.Explain {
		p.pos = from
		return false
	}
	c.Verb = v.verb
	p.st.Kind, p.st.Cluster = KindCluster, c
	if c.Explain && !explained[c.Verb] {
		c.BadTok = p.pos
		p.pos = p.end
		return true
	}
	p.pos++
	if second != "" {
		p.pos++
	}
	if v.rest != nil && !v.rest(p, c) || !p.done() {
		c.BadTok = p.pos
		p.pos = p.end
	}
	return true
}

// acceptWord takes an unquoted word, given in upper case, whether it is a keyword or not.
func (p *parser) acceptWord(w string) bool {
	if p.word(0) == w {
		p.pos++
		return true
	}
	return false
}

func (p *parser) acceptWords(words ...string) bool {
	for i, w := range words {
		if p.word(int32(i)) != w {
			return false
		}
	}
	p.pos += int32(len(words))
	return true
}

// number takes an unsigned integer from min to max.
func (p *parser) number(min, max uint64) (uint64, bool) {
	t := p.tok()
	if t.Kind != Number {
		return 0, false
	}
	n, err := strconv.ParseUint(string(p.src[t.Start:t.End]), 10, 64)
	if err != nil || n < min || n > max {
		return 0, false
	}
	p.pos++
	return n, true
}

// quotedOrName takes a string, or a name with quotes or without.
func (p *parser) quotedOrName() (Name, bool) {
	switch p.tok().Kind {
	case String, QuotedID, Word:
		p.pos++
		return p.nameAt(p.pos - 1), true
	}
	return noName, false
}

// host takes 'host' or host, then :port where there is one. A host without quotes is the tokens up to a colon or a space: leaf-1.example.com, 10.0.0.7.
func (p *parser) host(c *Cluster) bool {
	switch p.tok().Kind {
	case String, QuotedID:
		c.Host = p.nameAt(p.pos)
		p.pos++
	case Word, Number:
		from := p.pos
		for p.pos++; p.touches(0) && !p.isOp(':') && p.hostPart(); {
			p.pos++
		}
		c.Host = Name{from, string(p.src[p.toks[from].Start:p.toks[p.pos-1].End])}
	default:
		return false
	}
	if c.Host.Text == "" {
		p.pos--
		return false
	}
	return p.port(c)
}

func (p *parser) hostPart() bool {
	switch t := p.tok(); t.Kind {
	case Word, Number:
		return true
	case Op:
		return t.Op == '-' || t.Op == '.'
	}
	return false
}

func (p *parser) port(c *Cluster) bool {
	if !p.acceptOp(':') {
		return true
	}
	n, ok := p.number(1, 65535)
	c.Port = int(n)
	return ok
}

// addLeaf reads user[:'password']@'host'[:port] [INTO GROUP {1|2}].
func (p *parser) addLeaf(c *Cluster) bool {
	var ok bool
	if c.User, ok = p.quotedOrName(); !ok {
		return false
	}
	if p.acceptOp(':') {
		if p.tok().Kind != String && p.tok().Kind != QuotedID {
			return false
		}
		c.Password = p.nameAt(p.pos)
		p.pos++
		p.st.Secrets = append(p.st.Secrets, Span{p.pos - 1, p.pos})
	}
	switch t := p.tok(); {
	case t.Kind == UserVar: // @host and @'host' are one token
		from := p.pos
		text := p.nameAt(from).Text
		p.pos++
		if q := p.src[t.Start+1]; q != '\'' && q != '"' && q != '`' {
			for p.touches(0) && !p.isOp(':') && p.hostPart() { // @leaf-1
				p.pos++
			}
			text = string(p.src[t.Start+1 : p.toks[p.pos-1].End])
		}
		c.Host = Name{from, text}
		if text == "" || !p.port(c) {
			return false
		}
	case t.Kind == Op && t.Op == '@':
		p.pos++
		if !p.host(c) {
			return false
		}
	default:
		return false
	}
	if p.acceptSeq(KwInto, KwGroup) {
		n, ok := p.number(1, 2)
		c.Group = int(n)
		return ok
	}
	return true
}

// someLeaf reads 'host'[:port] and what the verb allows after it; ATTACH LEAF takes ALL too.
func (p *parser) someLeaf(c *Cluster) bool {
	attach := c.Verb == "ATTACH LEAF"
	if attach && p.is(KwAll) && !p.isOpAt(1, ':') && !(p.pos+1 < p.end && p.touches(1)) {
		p.pos++
		c.Verb = "ATTACH ALL LEAVES"
	} else if !p.host(c) {
		return false
	}
	for {
		switch {
		case c.Verb != "DETACH LEAF" && p.accept(KwForce):
			c.Force = true
		case !attach && p.accept(KwKill):
			c.Kill = true
		case attach && p.acceptWords("NO", "REBALANCE"):
			c.NoRebalance = true
		default:
			return true
		}
	}
}

// onDatabase reads ON db, and of a rebalance [FULL] [FORCE].
func (p *parser) onDatabase(c *Cluster) bool {
	if !p.accept(KwOn) {
		return false
	}
	var ok bool
	if c.DB, ok = p.quotedOrName(); !ok {
		return false
	}
	for c.Verb == "REBALANCE" {
		switch {
		case p.accept(KwFull):
			c.Full = true
		case p.accept(KwForce):
			c.Force = true
		default:
			return true
		}
	}
	return true
}

func (p *parser) allDatabases(c *Cluster) bool {
	if !p.acceptWord("DATABASES") && !p.acceptWord("SCHEMAS") {
		return false
	}
	for {
		switch {
		case p.accept(KwFull):
			c.Full = true
		case p.accept(KwForce):
			c.Force = true
		default:
			return true
		}
	}
}

func (p *parser) orphanDatabases(*Cluster) bool {
	return p.acceptWord("DATABASES") || p.acceptWord("SCHEMAS") || p.acceptWord("DATABASE")
}

// onePartition reads db:ordinal ON 'host'[:port].
func (p *parser) onePartition(c *Cluster) bool {
	var ok bool
	if c.DB, ok = p.quotedOrName(); !ok || !p.acceptOp(':') {
		return false
	}
	n, ok := p.number(0, 1<<31-1)
	if c.Ordinal = int(n); !ok || !p.accept(KwOn) {
		return false
	}
	return p.host(c)
}

func (p *parser) promoteAggregator(c *Cluster) bool {
	return p.host(c) && p.accept(KwTo) && p.accept(KwMaster)
}

func (p *parser) setAggregator(*Cluster) bool { return p.accept(KwAs) && p.accept(KwMaster) }

// cancelCommand reads the number of a command.
func (p *parser) cancelCommand(c *Cluster) bool {
	var ok bool
	c.ID, ok = p.number(1, 1<<63-1)
	return ok
}

// archive reads db TO 'path' of a backup, db [AS name] FROM 'path' of its way back.
func (p *parser) archive(c *Cluster) bool {
	var ok bool
	if c.DB, ok = p.quotedOrName(); !ok {
		return false
	}
	if c.Verb == "BACKUP" {
		ok = p.accept(KwTo)
	} else {
		if p.accept(KwAs) {
			if c.As, ok = p.quotedOrName(); !ok {
				return false
			}
		}
		ok = p.accept(KwFrom)
	}
	if !ok || p.tok().Kind != String && p.tok().Kind != QuotedID {
		return false
	}
	c.Path = p.nameAt(p.pos)
	p.pos++
	if strings.TrimSpace(c.Path.Text) == "" {
		p.pos--
		return false
	}
	return true
}

// showCluster reads [EXTENDED] [ON db] [LIKE … | WHERE …].
func (p *parser) showCluster(c *Cluster) bool {
	c.Extended = p.accept(KwExtended)
	return p.showRest(c)
}

// showStatus reads STATUS [ON db] [LIKE … | WHERE …].
func (p *parser) showStatus(c *Cluster) bool { return p.accept(KwStatus) && p.showRest(c) }

// showTransaction reads STATUS 'id'.
func (p *parser) showTransaction(c *Cluster) bool {
	if !p.accept(KwStatus) || p.tok().Kind != String {
		return false
	}
	c.Trx = p.nameAt(p.pos)
	p.pos++
	return true
}

// showExtended reads EXTENDED [FOR LEAF 'host'[:port]] [LIKE … | WHERE …].
func (p *parser) showExtended(c *Cluster) bool {
	p.pos++
	if p.accept(KwFor) && (!p.acceptWord("LEAF") || !p.host(c)) {
		return false
	}
	return p.showRest(c)
}

func (p *parser) showRest(c *Cluster) bool {
	if c.Verb == "SHOW PARTITIONS" || c.Verb == "SHOW REBALANCE STATUS" {
		if p.acceptAny(KwOn, KwFrom, KwIn) != 0 {
			var ok bool
			if c.DB, ok = p.quotedOrName(); !ok {
				return false
			}
		}
	}
	from := p.pos
	switch {
	case p.accept(KwLike):
		if p.tok().Kind != String {
			return false
		}
		p.pos++
	case p.accept(KwWhere):
		if p.done() {
			return false
		}
		p.sweep()
	}
	c.Rest = p.span(from)
	return true
}
