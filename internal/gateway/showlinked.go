package gateway

import (
	"bytes"
	"strings"

	"github.com/orbweaver/orbweaver/internal/shard"
	"github.com/orbweaver/orbweaver/internal/sqltext"
	"github.com/orbweaver/orbweaver/internal/topo"
)

// What MariaDB prints of a table, in part.
const (
	engineOption    = "\n) ENGINE="
	partitionClause = "\n PARTITION BY "
)

// linkPrinter puts what the cluster knows of links into what a leaf prints of a linked table's shape, as MariaDB prints it of a table of Spider.
type linkPrinter struct {
	t *topo.Table
	// mode is how the text is to be read, charset the text's.
	mode    sqltext.Mode
	charset string
}

// create is a CREATE TABLE of the shape with the links.
func (p *linkPrinter) create(text []byte) ([]byte, error) {
	end := bodyEnd(text)
	if end < 0 {
		return text, nil
	}
	rest, err := p.options(text[end:])
	return append(text[:end:end], rest...), err
}

// options is what stands behind the bracket of a CREATE TABLE, with the links. Under a sql_mode that has MariaDB print no engine, it prints no links either.
func (p *linkPrinter) options(text []byte) ([]byte, error) {
	if !bytes.HasPrefix(text, []byte(engineOption+"InnoDB")) {
		return text, nil
	}
	table, partitions := text, []byte(nil)
	if at := bytes.Index(text, []byte(partitionClause)); at >= 0 {
		table, partitions = text[:at], text[at:]
	}
	out := append([]byte(engineOption+"SPIDER"), table[len(engineOption+"InnoDB"):]...)
	if l := p.t.Info("", ""); l != nil {
		quote := "`"
		if p.mode.ANSIQuotes {
			quote = `"`
		}
		if l.Comment != "" {
			out = p.add(out, " COMMENT="+printedOption(l.Comment))
		}
		if l.Connection != "" {
			out = p.add(out, " CONNECTION="+printedOption(l.Connection))
		}
		for _, o := range remoteOptions(l) {
			out = p.add(out, " "+quote+o.name+quote+"="+printedOption(o.value))
		}
	}
	partitions, err := p.partitions(partitions)
	return append(out, partitions...), err
}

// partitions puts links into the definitions of partitions.
func (p *linkPrinter) partitions(text []byte) ([]byte, error) {
	if len(text) == 0 {
		return nil, nil
	}
	mode := p.mode
	mode.NoBackslashEscapes = false // MariaDB prints strings with them all the same
	var scan sqltext.Scan
	if err := scan.Scan(text, mode); err != nil {
		return nil, err
	}
	toks := scan.Tokens
	name := func(i int) string { return string(sqltext.Unquote(nil, toks[i], text, mode)) }
	var out []byte
	at := uint32(0)
	partition, sub := "", ""
	for i := 1; i+2 < len(toks); i++ {
		begins := toks[i-1].Op == '(' || toks[i-1].Op == ','
		switch {
		case begins && toks[i].KW == sqltext.KwPartition:
			partition, sub = name(i+1), ""
		case begins && toks[i].KW == sqltext.KwSubpartition:
			if l := p.t.Info(partition, ""); l != nil && toks[i-1].Op == '(' {
				out = append(out, text[at:toks[i-2].End]...)
				out = p.add(out, printedTexts(l)+printedRemote(l))
				at = toks[i-2].End
			}
			sub = name(i + 1)
		case toks[i].KW == sqltext.KwEngine && toks[i+1].Op == '=':
			out = append(out, text[at:toks[i-1].End]...)
			l := p.t.Info(partition, sub)
			if l != nil {
				out = p.add(out, printedTexts(l))
			}
			out = append(out, " ENGINE = SPIDER"...)
			if l != nil {
				out = p.add(out, printedRemote(l))
			}
			at = toks[i+2].End
		}
	}
	return append(out, text[at:]...), nil
}

// add appends a text in the answer's character set.
func (p *linkPrinter) add(dst []byte, text string) []byte {
	if p.charset != "" && !ascii(text) {
		if b, ok := shard.Convert([]byte(text), "utf8mb4", p.charset); ok {
			return append(dst, b...)
		}
	}
	return append(dst, text...)
}

// printedTexts are the texts of a partition.
func printedTexts(l *topo.LinkInfo) (out string) {
	if l.Comment != "" {
		out += " COMMENT = " + printedText(l.Comment)
	}
	if l.Connection != "" {
		out += " CONNECTION = " + printedText(l.Connection)
	}
	return out
}

// printedRemote are the options of a partition.
func printedRemote(l *topo.LinkInfo) (out string) {
	for _, o := range remoteOptions(l) {
		out += " " + o.name + " = " + printedOption(o.value)
	}
	return out
}

type remoteOption struct{ name, value string }

func remoteOptions(l *topo.LinkInfo) (out []remoteOption) {
	for _, o := range []struct {
		name  string
		value *string
	}{{"REMOTE_SERVER", l.Server}, {"REMOTE_DATABASE", l.Database}, {"REMOTE_TABLE", l.Table}} {
		if o.value != nil {
			out = append(out, remoteOption{o.name, *o.value})
		}
	}
	return out
}

// printedOption is a string as MariaDB prints it behind a table, printedText as it does behind a partition.
func printedOption(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`, "\x00", `\0`, "\n", `\n`, "\r", `\r`).Replace(s) + "'"
}

func printedText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`, "\n", `\n`, "\r", `\r`, "\x1a", `\Z`).Replace(s) + "'"
}
