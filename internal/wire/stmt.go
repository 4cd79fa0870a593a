package wire

import (
	"encoding/binary"
	"math"
)

// LastStatement is the statement id by which MariaDB's clients execute what they prepared last, without waiting for its id.
const LastStatement uint32 = 0xffffffff

// PrepareOK answers COM_STMT_PREPARE. The definitions of Params parameters and Columns columns follow it, each group with its
// EOF (not with ClientDeprecateEOF).
type PrepareOK struct {
	StmtID   uint32
	Columns  uint16
	Params   uint16
	Warnings uint16
}

// ParsePrepareOK reads the answer to COM_STMT_PREPARE.
func ParsePrepareOK(payload []byte) (PrepareOK, error) {
	r := reader{p: payload}
	if r.u8() != headerOK {
		return PrepareOK{}, ErrMalformed
	}
	p := PrepareOK{StmtID: r.u32(), Columns: r.u16(), Params: r.u16()}
	r.u8()
	if len(r.p) >= 2 {
		p.Warnings = r.u16()
	}
	return p, r.err()
}

// AppendPrepareOK appends the answer to COM_STMT_PREPARE.
func AppendPrepareOK(dst []byte, p PrepareOK) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, headerOK), p.StmtID)
	dst = binary.LittleEndian.AppendUint16(dst, p.Columns)
	dst = binary.LittleEndian.AppendUint16(dst, p.Params)
	return binary.LittleEndian.AppendUint16(append(dst, 0), p.Warnings)
}

// ParamType is a parameter's type as COM_STMT_EXECUTE gives it.
type ParamType struct {
	Type     FieldType
	Unsigned bool
}

// Param is a parameter's value.
type Param struct {
	ParamType
	Null bool
	// Long tells that the value came by COM_STMT_SEND_LONG_DATA: it is in Bytes, and the execute packet has none.
	Long bool
	// Int is the value of an integer, Float that of TypeFloat and TypeDouble, Time that of a date or time, Bytes that of
	// everything else: strings, blobs, decimals in digits. Bytes points into the packet.
	Int   uint64
	Float float64
	Time  Temporal
	Bytes []byte
}

// Execute is COM_STMT_EXECUTE without its parameters.
type Execute struct {
	StmtID   uint32
	Cursor   byte
	NewTypes bool // the packet names the parameters' types
}

// ParseExecute reads COM_STMT_EXECUTE's command packet for a statement with len(params) parameters into params. Before the call,
// the ParamType of each must hold what the statement's last execution left there (the packet may not repeat them), and Long and
// Bytes what came as long data; the call sets everything else.
func ParseExecute(packet []byte, params []Param) (Execute, error) {
	e, r, err := executeHead(packet)
	if err != nil || len(params) == 0 {
		return e, err
	}
	nulls := r.take((len(params) + 7) / 8)
	e.NewTypes = r.u8() == 1
	if r.bad {
		return e, ErrMalformed
	}
	if e.NewTypes {
		types := r.take(2 * len(params))
		if r.bad {
			return e, ErrMalformed
		}
		for i := range params {
			params[i].ParamType = ParamType{FieldType(types[2*i]), types[2*i+1]&0x80 != 0}
		}
	}
	for i := range params {
		p := &params[i]
		if p.Long {
			*p = Param{ParamType: p.ParamType, Long: true, Bytes: p.Bytes}
			continue
		}
		*p = Param{ParamType: p.ParamType, Null: nulls[i>>3]&(1<<(i&7)) != 0}
		if p.Type == TypeNull {
			p.Null = true
		}
		if p.Null {
			continue
		}
		v, rest, ok := binaryValue(r.p, p.Type)
		if !ok {
			return e, ErrMalformed
		}
		r.p = rest
		if err := p.set(v); err != nil {
			return e, err
		}
	}
	if len(r.p) != 0 {
		return e, ErrMalformed
	}
	return e, nil
}

func executeHead(packet []byte) (Execute, reader, error) {
	r := reader{p: packet}
	if Command(r.u8()) != ComStmtExecute {
		return Execute{}, r, ErrMalformed
	}
	e := Execute{StmtID: r.u32(), Cursor: r.u8()}
	r.u32() // iterations: always 1
	return e, r, r.err()
}

func (p *Param) set(v []byte) (err error) {
	switch {
	case p.Type.IsInteger():
		p.Int = BinaryInt(v, p.Unsigned)
	case p.Type == TypeFloat:
		p.Float = float64(math.Float32frombits(binary.LittleEndian.Uint32(v)))
	case p.Type == TypeDouble:
		p.Float = math.Float64frombits(binary.LittleEndian.Uint64(v))
	case p.Type.IsTemporal():
		p.Time, err = ParseTemporal(v, p.Type)
	default:
		p.Bytes = v
	}
	return err
}

// AppendExecute appends COM_STMT_EXECUTE's command packet. newTypes must be set on a statement's first execution and whenever a type
// changed. Long parameters are left out: send them ahead by [AppendLongData].
func AppendExecute(dst []byte, stmtID uint32, cursor byte, params []Param, newTypes bool) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, byte(ComStmtExecute)), stmtID)
	dst = append(dst, cursor, 1, 0, 0, 0)
	if len(params) == 0 {
		return dst
	}
	nulls := len(dst)
	for range (len(params) + 7) / 8 {
		dst = append(dst, 0)
	}
	if !newTypes {
		dst = append(dst, 0)
	} else {
		dst = append(dst, 1)
		for i := range params {
			var flag byte
			if params[i].Unsigned {
				flag = 0x80
			}
			dst = append(dst, byte(params[i].Type), flag)
		}
	}
	for i := range params {
		p := &params[i]
		switch {
		case p.Long:
		case p.Null || p.Type == TypeNull:
			dst[nulls+i>>3] |= 1 << (i & 7)
		default:
			dst = p.append(dst)
		}
	}
	return dst
}

func (p *Param) append(dst []byte) []byte {
	switch p.Type {
	case TypeTiny:
		return append(dst, byte(p.Int))
	case TypeShort, TypeYear:
		return binary.LittleEndian.AppendUint16(dst, uint16(p.Int))
	case TypeLong, TypeInt24:
		return binary.LittleEndian.AppendUint32(dst, uint32(p.Int))
	case TypeLongLong:
		return binary.LittleEndian.AppendUint64(dst, p.Int)
	case TypeFloat:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(p.Float)))
	case TypeDouble:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(p.Float))
	}
	if p.Type.IsTemporal() {
		return p.Time.AppendBinary(dst, p.Type)
	}
	return AppendLenencBytes(dst, p.Bytes)
}

// AppendCommand appends the packet of a command with a string: COM_QUERY, COM_INIT_DB, COM_STMT_PREPARE and the like.
func AppendCommand[T ~[]byte | ~string](dst []byte, cmd Command, arg T) []byte {
	return append(append(dst, byte(cmd)), arg...)
}

// AppendStmtCommand appends COM_STMT_CLOSE, COM_STMT_RESET or COM_PROCESS_KILL with its id.
func AppendStmtCommand(dst []byte, cmd Command, id uint32) []byte {
	return binary.LittleEndian.AppendUint32(append(dst, byte(cmd)), id)
}

// ParseStmtCommand reads the id of such a command, of COM_STMT_FETCH, COM_STMT_EXECUTE or COM_STMT_SEND_LONG_DATA.
func ParseStmtCommand(packet []byte) (id uint32, err error) {
	r := reader{p: packet}
	r.u8()
	id = r.u32()
	return id, r.err()
}

// AppendFetch appends COM_STMT_FETCH. An execution that opened a cursor was answered by column definitions and one EOF, with
// StatusCursorExists; a fetch is answered by rows and an EOF, at the end with StatusLastRowSent.
func AppendFetch(dst []byte, stmtID, rows uint32) []byte {
	return binary.LittleEndian.AppendUint32(AppendStmtCommand(dst, ComStmtFetch, stmtID), rows)
}

// ParseFetch reads COM_STMT_FETCH.
func ParseFetch(packet []byte) (stmtID, rows uint32, err error) {
	r := reader{p: packet}
	r.u8()
	stmtID, rows = r.u32(), r.u32()
	return stmtID, rows, r.err()
}

// AppendLongData appends COM_STMT_SEND_LONG_DATA, to which there is no answer.
func AppendLongData(dst []byte, stmtID uint32, param uint16, data []byte) []byte {
	dst = AppendStmtCommand(dst, ComStmtSendLongData, stmtID)
	return append(binary.LittleEndian.AppendUint16(dst, param), data...)
}

// ParseLongData reads COM_STMT_SEND_LONG_DATA.
func ParseLongData(packet []byte) (stmtID uint32, param uint16, data []byte, err error) {
	r := reader{p: packet}
	r.u8()
	stmtID, param = r.u32(), r.u16()
	return stmtID, param, r.p, r.err()
}

// ParseSetOption reads COM_SET_OPTION.
func ParseSetOption(packet []byte) (option uint16, err error) {
	r := reader{p: packet}
	r.u8()
	option = r.u16()
	return option, r.err()
}

// AppendSetOption appends COM_SET_OPTION.
func AppendSetOption(dst []byte, option uint16) []byte {
	return binary.LittleEndian.AppendUint16(append(dst, byte(ComSetOption)), option)
}

// AppendFieldList appends COM_FIELD_LIST.
func AppendFieldList(dst []byte, table, wild string) []byte {
	dst = append(append(dst, byte(ComFieldList)), table...)
	return append(append(dst, 0), wild...)
}
