package main

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"log"
	"strings"
)

// The limits of code points.
const (
	pageSize = 256
	lastBMP  = 0xffff
	last     = 0x10ffff
)

// unicode makes a table of all code points.
func (g *generator) unicode(c *collation) error {
	top := last
	if c.charset == "utf8mb3" {
		top = lastBMP
	}
	pages := make([][]entry, (top+1)/pageSize)
	for p := range pages {
		es, err := g.page(c, p)
		if err != nil {
			return err
		}
		pages[p] = es
	}
	if strings.Contains(c.name, "_uca1400_") || strings.Contains(c.name, "_unicode_") {
		if err := g.contractions(c, pages); err != nil {
			return err
		}
	}
	c.enc, c.table = encUTF8, g.pack(nil, pages, nil)
	return nil
}

func surrogate(r int) bool { return r >= 0xd800 && r <= 0xdfff }

// page asks for the weights of 256 characters in one statement.
func (g *generator) page(c *collation, p int) ([]entry, error) {
	es := make([]entry, pageSize)
	var q strings.Builder
	q.WriteString("SELECT CONCAT(''")
	for i := range es {
		r := p*pageSize + i
		if surrogate(r) {
			es[i].invalid = true
			continue
		}
		fmt.Fprintf(&q, ",HEX(WEIGHT_STRING(_%s x'%x' COLLATE %s)),'.'", c.charset, string(rune(r)), c.name)
	}
	q.WriteString(")")
	var s string
	if err := g.conn.QueryRowContext(g.ctx, q.String()).Scan(&s); err != nil {
		return nil, err
	}
	ws := strings.Split(s, ".")
	for i, k := 0, 0; i < pageSize; i++ {
		if es[i].invalid {
			continue
		}
		w, err := hex.DecodeString(ws[k])
		if err != nil {
			return nil, err
		}
		es[i].w = w
		k++
	}
	return es, nil
}

// contractions marks the characters that together have other weights than alone. It tries every character of a page that is not made by a
// formula with those of the same page and its neighbours, and with the combining marks and dots that follow letters of any script.
func (g *generator) contractions(c *collation, pages [][]entry) error {
	marks := []rune{0xb7, 0x387}
	for r := rune(0x300); r < 0x370; r++ {
		marks = append(marks, r)
	}
	found := 0
	for p, es := range pages {
		if !lettered(p, es) || p >= 0xac && p <= 0xd7 {
			continue
		}
		near := append([]rune(nil), marks...)
		for q := max(p-1, 0); q <= min(p+1, len(pages)-1); q++ {
			if !lettered(q, pages[q]) {
				continue
			}
			for i, e := range pages[q] {
				if !e.invalid {
					near = append(near, rune(q*pageSize+i))
				}
			}
		}
		for i := range es {
			if es[i].invalid {
				continue
			}
			n, err := g.follow(c, pages, rune(p*pageSize+i), near)
			if err != nil {
				return err
			}
			found += n
		}
	}
	log.Printf("%s: %d contractions", c.name, found)
	return nil
}

// lettered says whether a page has characters that the collation tells apart by more than a formula.
func lettered(p int, es []entry) bool {
	if _, kind := classify(p, es); kind != pageExplicit {
		return false
	}
	for i := range es {
		if es[i].invalid != es[0].invalid || !bytes.Equal(es[i].w, es[0].w) {
			return true
		}
	}
	return false
}

// follow finds which of near make contractions with a before them.
func (g *generator) follow(c *collation, pages [][]entry, a rune, near []rune) (int, error) {
	at := func(r rune) *entry { return &pages[r/pageSize][r%pageSize] }
	var text, want []byte
	for _, b := range near {
		// U+0001 keeps the pairs apart: it is ignorable, and no contraction has it.
		text = append(append(append(text, string(a)...), string(b)...), 1)
		want = append(append(append(want, at(a).w...), at(b).w...), at(1).w...)
	}
	var sum string
	q := fmt.Sprintf("SELECT MD5(WEIGHT_STRING(_%s x'%x' COLLATE %s))", c.charset, text, c.name)
	if err := g.conn.QueryRowContext(g.ctx, q).Scan(&sum); err != nil {
		return 0, err
	}
	if h := md5.Sum(want); hex.EncodeToString(h[:]) == sum {
		return 0, nil
	}
	if len(near) > 1 {
		m, err := g.follow(c, pages, a, near[:len(near)/2])
		if err != nil {
			return 0, err
		}
		n, err := g.follow(c, pages, a, near[len(near)/2:])
		return m + n, err
	}
	at(a).head, at(near[0]).second = true, true
	return 1, nil
}

// classify finds the formula that makes a page, if there is one.
func classify(p int, es []entry) (base, kind int) {
	two, three, implicit := true, true, true
	base = -1
	for i := range es {
		r := p*pageSize + i
		w := es[i].w
		if es[i].invalid || es[i].head || es[i].second {
			return 0, pageExplicit
		}
		two = two && r <= lastBMP && bytes.Equal(w, []byte{byte(r >> 8), byte(r)})
		three = three && bytes.Equal(w, []byte{byte(r >> 16), byte(r >> 8), byte(r)})
		if implicit = implicit && len(w) == 4; implicit {
			b := (int(w[0])<<8 | int(w[1])) - r>>15
			if base < 0 {
				base = b
			}
			implicit = b == base && int(w[2])<<8|int(w[3]) == r&0x7fff|0x8000
		}
	}
	switch {
	case p == 0: // the ASCII path reads entries
		return 0, pageExplicit
	case two:
		return 0, pageIdentity2
	case three:
		return 0, pageIdentity3
	case implicit:
		return base, pageImplicit
	}
	return 0, pageExplicit
}
