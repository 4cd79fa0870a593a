package wire

import "encoding/binary"

// Indicator says what a parameter of COM_STMT_BULK_EXECUTE stands for.
type Indicator byte

// The indicators.
const (
	IndicatorNone    Indicator = iota // its value
	IndicatorNull                     // NULL
	IndicatorDefault                  // DEFAULT
	IndicatorIgnore                   // in an UPDATE: the column is left as it is; else DEFAULT
)

// bulkTypes is the flag of a COM_STMT_BULK_EXECUTE that names its parameters' types.
const bulkTypes = 128

// Bulk is COM_STMT_BULK_EXECUTE: one statement, and parameters for many executions of it.
type Bulk struct {
	StmtID uint32
	r      reader
}

// ParseBulk reads the packet's head for a statement with len(params) parameters, and their types into params.
func ParseBulk(packet []byte, params []Param) (*Bulk, error) {
	b := &Bulk{r: reader{p: packet}}
	if Command(b.r.u8()) != ComStmtBulkExecute {
		return nil, ErrMalformed
	}
	b.StmtID = b.r.u32()
	switch flags := b.r.u16(); {
	case b.r.bad, flags&^bulkTypes != 0:
		return nil, ErrMalformed
	case flags&bulkTypes != 0:
		types := b.r.take(2 * len(params))
		if b.r.bad {
			return nil, ErrMalformed
		}
		for i := range params {
			params[i].ParamType = ParamType{FieldType(types[2*i]), types[2*i+1]&0x80 != 0}
		}
	}
	return b, nil
}

// Next reads the parameters of the next execution, which point into the packet; false after the last.
func (b *Bulk) Next(params []Param, indicators []Indicator) (bool, error) {
	if len(b.r.p) == 0 {
		return false, nil
	}
	for i := range params {
		p := &params[i]
		*p = Param{ParamType: p.ParamType}
		indicators[i] = Indicator(b.r.u8())
		switch {
		case b.r.bad, indicators[i] > IndicatorIgnore:
			return false, ErrMalformed
		case indicators[i] != IndicatorNone, p.Type == TypeNull:
			p.Null = true
			continue
		}
		v, rest, ok := binaryValue(b.r.p, p.Type)
		if !ok {
			return false, ErrMalformed
		}
		b.r.p = rest
		if err := p.set(v); err != nil {
			return false, err
		}
	}
	return true, nil
}

// AppendBulk appends COM_STMT_BULK_EXECUTE's packet for executions with these parameters, which are of the same types in all of them.
func AppendBulk(dst []byte, stmtID uint32, rows [][]Param, indicators [][]Indicator) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, byte(ComStmtBulkExecute)), stmtID)
	dst = binary.LittleEndian.AppendUint16(dst, bulkTypes)
	for i := range rows {
		if i == 0 {
			for _, p := range rows[i] {
				var flag byte
				if p.Unsigned {
					flag = 0x80
				}
				dst = append(dst, byte(p.Type), flag)
			}
		}
		for j := range rows[i] {
			dst = append(dst, byte(indicators[i][j]))
			if indicators[i][j] == IndicatorNone {
				dst = rows[i][j].append(dst)
			}
		}
	}
	return dst
}
