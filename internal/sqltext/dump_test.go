package sqltext

import (
	"fmt"
	"reflect"
	"strings"
)

// dump prints a tree in one line, leaving out what is empty; spans are printed as their text.
func dump(s *Scan, v any) string {
	var b strings.Builder
	dumpValue(&b, s, reflect.ValueOf(v))
	return b.String()
}

func spanText(s *Scan, sp Span) string {
	return "«" + string(s.AppendSpan(nil, sp)) + "»"
}

func dumpValue(b *strings.Builder, s *Scan, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		if t, ok := v.Interface().(*TableName); ok {
			if t.CTE {
				b.WriteString("cte ")
			}
			b.WriteString(spanText(s, t.Span))
			return
		}
		dumpValue(b, s, v.Elem())
	case reflect.Struct:
		switch x := v.Interface().(type) {
		case Span:
			b.WriteString(spanText(s, x))
			return
		case Name:
			b.WriteString(x.Text)
			return
		case Column:
			b.WriteString("Column" + spanText(s, x.Span))
			return
		case Literal:
			fmt.Fprintf(b, "Lit%d%s", x.Kind, spanText(s, x.Span))
			return
		case TableName:
			b.WriteString(spanText(s, x.Span))
			return
		}
		if v.Type().Name() != "Stmt" {
			b.WriteString(v.Type().Name())
		}
		b.WriteString("{")
		first := true
		for i := range v.NumField() {
			f := v.Field(i)
			if f.IsZero() || v.Type().Field(i).Name == "ValuesTok" || v.Type().Field(i).Name == "InsertPoint" {
				continue
			}
			if n, ok := f.Interface().(Name); ok && n.Tok < 0 {
				continue
			}
			if sp, ok := f.Interface().(Span); ok && sp.Empty() {
				continue
			}
			name := v.Type().Field(i).Name
			if name == "Span" && v.Type().Name() == "Stmt" || strings.HasSuffix(name, "Tok") && f.Int() < 0 {
				continue
			}
			if !first {
				b.WriteString(" ")
			}
			first = false
			b.WriteString(name + ":")
			switch x := f.Interface().(type) {
			case Facts:
				b.WriteString(factNames(x))
			case StmtKind:
				b.WriteString(kindName(x))
			default:
				dumpValue(b, s, f)
			}
		}
		b.WriteString("}")
	case reflect.Slice:
		if bytes, ok := v.Interface().([]byte); ok {
			fmt.Fprintf(b, "%q", bytes)
			return
		}
		b.WriteString("[")
		for i := range v.Len() {
			if i > 0 {
				b.WriteString(", ")
			}
			dumpValue(b, s, v.Index(i))
		}
		b.WriteString("]")
	default:
		fmt.Fprint(b, v.Interface())
	}
}

var factList = strings.Fields("Subquery UserVar UserVarAssign LastInsertID FoundRows RowCount Nondeterministic TimeFunction LockFunction Into " +
	"ForUpdate Window CalcFoundRows ProcedureAnalyse Sequence StoredCall DatabaseFunc PlaceFunction SysVar SystemTime Match Expansion")

func factNames(f Facts) string {
	var names []string
	for i, n := range factList {
		if f&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, "|")
}

var kindList = strings.Fields("Other Select Insert Update Delete LoadData DDL Set Use Show Explain Begin Commit Rollback Savepoint XA Prepare " +
	"Execute Deallocate Lock Unlock Account SetRole Kill Call Do Handler Flush Help Admin Cluster Empty Signal Diagnostics")

func kindName(k StmtKind) string { return kindList[k] }
